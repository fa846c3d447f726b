drop function queue.prune_v1;
