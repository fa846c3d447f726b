drop table operator_note;
