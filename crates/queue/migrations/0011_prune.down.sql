drop function queue.prune_v1, queue.drop_day_v1, queue.expired_v1;
