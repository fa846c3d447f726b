alter table queue.scheduled drop constraint scheduled_priority_check;
