drop function queue.wake_key, queue.park_v1, queue.lane_open, queue.next_permit_v1, queue.room_v1, queue.fold_settlements;
drop table queue.settlement, queue.permit_grant, queue.lane_key, queue.limit_window, queue.limit_key;
