drop table source_state;
