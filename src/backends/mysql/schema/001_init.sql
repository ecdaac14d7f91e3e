-- KeepMQ tables in MariaDB (10.3 or newer) or MySQL (8.0.17 or newer). Times are UTC.
-- Names compare by bytes: MySQL calls that collation utf8mb4_0900_bin, MariaDB utf8mb4_nopad_bin.
-- Names may be as long as MQTT allows, and keys may not, so a unique key is on a hash.

create table if not exists mqtt_client (
    id          bigint unsigned not null auto_increment,
    clientid    text not null,
    state       varchar(3),                 -- '1' online, '0' offline
    node        varchar(255),
    online_at   datetime(6),
    offline_at  datetime(6),                -- null while the client is online
    created     datetime(6) default (utc_timestamp(6)),
    unique_hash binary(32) generated always as (unhex(sha2(clientid, 256))) stored,
    primary key (id),
    unique key mqtt_client_key (unique_hash),
    key mqtt_client_idx (clientid(190))
) engine=InnoDB default charset=utf8mb4
  collate=/*!80017 utf8mb4_0900_bin */ /*M!100203 utf8mb4_nopad_bin */;

-- Subscriptions that the broker makes for a client when it connects; you fill this table.
create table if not exists mqtt_sub (
    id          bigint unsigned not null auto_increment,
    clientid    text not null,
    topic       text not null,
    qos         tinyint,
    created     datetime(6) default (utc_timestamp(6)),
    unique_hash binary(32) generated always as (unhex(sha2(concat(clientid, char(0), topic), 256))) stored,
    primary key (id),
    unique key mqtt_sub_key (unique_hash),
    key mqtt_sub_idx (clientid(190))
) engine=InnoDB default charset=utf8mb4
  collate=/*!80017 utf8mb4_0900_bin */ /*M!100203 utf8mb4_nopad_bin */;

create table if not exists mqtt_msg (
    id          bigint unsigned not null auto_increment,  -- the order of the store
    msgid       varchar(64) character set ascii collate ascii_bin,
    topic       text not null,
    sender      text,
    node        varchar(255),
    qos         tinyint not null default 0,
    retain      tinyint,
    payload     longblob,
    arrived     datetime(6) not null,
    properties  longtext,                   -- MQTT 5 properties as JSON, null if there are none
    topic_head  varbinary(255) generated always as (left(cast(topic as binary), 255)) stored,
    primary key (id),
    unique key mqtt_msg_key (msgid),
    key topic_index (topic(190), id),
    key topic_order (topic_head, id)        -- for filters with wildcards
) engine=InnoDB default charset=utf8mb4
  collate=/*!80017 utf8mb4_0900_bin */ /*M!100203 utf8mb4_nopad_bin */;

create table if not exists mqtt_retain (
    id          bigint unsigned not null auto_increment,
    topic       text not null,
    msgid       varchar(64) character set ascii collate ascii_bin,
    sender      text,
    node        varchar(255),
    qos         tinyint,
    payload     longblob,
    arrived     datetime(6) not null default (utc_timestamp(6)),
    properties  longtext,
    unique_hash binary(32) generated always as (unhex(sha2(topic, 256))) stored,
    primary key (id),
    unique key mqtt_retain_key (unique_hash),
    key mqtt_retain_idx (topic(190))
) engine=InnoDB default charset=utf8mb4
  collate=/*!80017 utf8mb4_0900_bin */ /*M!100203 utf8mb4_nopad_bin */;

create table if not exists mqtt_acked (
    id          bigint unsigned not null auto_increment,
    clientid    text not null,
    topic       text not null,              -- a topic, or a filter with wildcards
    mid         bigint unsigned,            -- mqtt_msg.id of the last acknowledged message, 0 at the start
    created     datetime(6),
    unique_hash binary(32) generated always as (unhex(sha2(concat(clientid, char(0), topic), 256))) stored,
    primary key (id),
    unique key mqtt_acked_key (unique_hash),
    key mqtt_acked_idx (clientid(190), topic(190))
) engine=InnoDB default charset=utf8mb4
  collate=/*!80017 utf8mb4_0900_bin */ /*M!100203 utf8mb4_nopad_bin */;
