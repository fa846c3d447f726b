-- A job whose time comes is moved to where it can be claimed by whoever claims next, of whatever queue.
-- One that could not be moved would stop them all, so it is not taken in the first place.
alter table queue.scheduled add constraint scheduled_priority_check check (priority between 0 and 9) not valid;
update queue.scheduled set priority = least(greatest(priority, 0), 9) where priority not between 0 and 9;
alter table queue.scheduled validate constraint scheduled_priority_check;
