create or replace function queue.lane_open(p_lane integer) returns boolean
language sql stable as $$
    select not exists (select from queue.lane_key lk where lk.lane = p_lane)
        or exists (
            select from queue.lane_key lk
            where lk.lane = p_lane and queue.next_permit_v1(lk.key, clock_timestamp()) <= clock_timestamp())
$$;

drop function queue.count_elsewhere_v1;
drop function queue.fold_settlements_v2;
drop function queue.lane_times_v1;
drop function queue.next_permit_v2;
drop function queue.permit_times_v1;
drop function queue.key_permit_v1;
drop function queue.window_permits_v1;
drop function queue.room_v2;
drop function queue.windows_v1;
drop function queue.family;

alter table queue.running drop tokens, drop micros, drop probe;

-- What only the newer ledger can say is folded away: calls that are over, and windows in other units.
delete from queue.settlement where requests = 0;
alter table queue.settlement
    drop tokens, drop micros, drop verdict, drop probe,
    drop constraint settlement_requests_check,
    add constraint settlement_requests_check check (requests > 0);
drop index queue.permit_grant_external;
alter table queue.permit_grant drop tokens, drop micros, drop cum_tokens, drop cum_micros;
alter table queue.lane_key drop tokens, drop micros;
delete from queue.limit_window where dimension <> 'requests' or period is null;
alter table queue.limit_window
    drop constraint limit_window_override, drop constraint limit_window_span,
    drop override_until, drop override_amount, drop zone, drop calendar,
    alter period set not null,
    drop constraint limit_window_dimension_check,
    add constraint limit_window_dimension_check check (dimension in ('requests'));
drop index queue.limit_key_parent;
alter table queue.limit_key
    drop parent, drop share, drop urgent, drop call_timeout, drop trip_after, drop cooldown, drop cooldown_max,
    drop faults, drop opened, drop open_until;
alter table queue.queue drop cap;
