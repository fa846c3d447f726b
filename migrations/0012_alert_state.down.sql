drop table alert_state;
