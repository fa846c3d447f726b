drop function queue.fold_v1, queue.duration_class;
drop table queue.audit, queue.event_floor, queue.event, queue.tally, queue.bucket, queue.delta;
