drop function queue.rescue_v1, queue.fail_v1, queue.end_attempt, queue.complete_v1;
