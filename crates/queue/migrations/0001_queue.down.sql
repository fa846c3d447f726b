drop function queue.wake;
drop table queue.process, queue.lane, queue.queue;
