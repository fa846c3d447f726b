drop function queue.page_v1, queue.fits;
drop view queue.job;
