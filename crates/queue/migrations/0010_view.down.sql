drop view queue.job;
