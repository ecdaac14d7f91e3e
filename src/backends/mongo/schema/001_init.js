// Indexes of KeepMQ for MongoDB: mongosh mqtt 001_init.js
// Collections come into being when they are written, so this may run before or after. The broker
// makes the same indexes when it connects, unless auto_create_schema is off.

db.mqtt_client.createIndex({clientid: 1}, {name: "keepmq_client", unique: true});

// Subscriptions that the broker makes for a client when it connects; you fill this collection:
// db.mqtt_sub.insertOne({clientid: "c1", topic: "t/1", qos: 1})
db.mqtt_sub.createIndex({clientid: 1, topic: 1}, {name: "keepmq_sub", unique: true});

db.mqtt_msg.createIndex({topic: 1, _id: 1}, {name: "keepmq_topic"});
db.mqtt_msg.createIndex({msgid: 1}, {name: "keepmq_msgid", unique: true});
db.mqtt_msg.createIndex({expire_at: 1}, {name: "keepmq_expire", expireAfterSeconds: 0});

db.mqtt_retain.createIndex({topic: 1}, {name: "keepmq_retain", unique: true});
db.mqtt_retain.createIndex({expire_at: 1}, {name: "keepmq_expire", expireAfterSeconds: 0});

db.mqtt_acked.createIndex({clientid: 1, topic: 1}, {name: "keepmq_acked", unique: true});
