-- A row is a feed that was polled: when it is due, and the marks of its last answer that was read.
create table feed (
    name           text        not null,
    url            text        not null,  -- the marks hold for this address only
    due_at         timestamptz not null,  -- not polled before
    polled_at      timestamptz,           -- the last answer, changed or not
    changed_at     timestamptz,           -- the last answer with items
    etag           text,
    last_modified  text,

    constraint feed_pk primary key (name)
);
