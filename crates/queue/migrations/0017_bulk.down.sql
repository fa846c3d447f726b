drop function queue.apply_v1, queue.delete_v1, queue.hold_job, queue.matching_v1, queue.count_v1, queue.applies;
drop table queue.bulk;
