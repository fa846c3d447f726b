drop table queue.tick, queue.schedule;
