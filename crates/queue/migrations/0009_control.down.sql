drop function queue.retry_v1, queue.cancel_v1, queue.take_ready;
