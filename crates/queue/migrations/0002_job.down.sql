drop function queue.partition_v1;
drop table queue.unique_key, queue.attempt, queue.payload, queue.failed, queue.done, queue.running, queue.scheduled, queue.ready;
drop sequence queue.job_id;
