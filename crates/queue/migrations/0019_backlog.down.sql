revoke usage on schema queue from public;
drop function queue.runnable;
