drop function queue.permit_v1, queue.next_v1, queue.claim_v1, queue.promote_v1;
