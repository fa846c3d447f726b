drop function queue.enqueue_v1;
