#!/bin/bash
# start-kafka.sh [start|stop|kill9|restart|status] [NODE]      (default: start, all nodes)
#
# A real Kafka (KRaft) from nothing, with its own command line tools: needs Java 17, Maven and a repository to take the jars from.
# Nothing outlives `rm -r $DIR`.
#   KAFKA_DIR      where jars, data and logs go        (/tmp/headrace-kafka)
#   KAFKA_PORT     node n listens on PORT + 10 (n - 1) (19092); its controller on the next port, SASL_SSL on the one after
#   KAFKA_NODES    1 or 3 processes                    (1)
#   KAFKA_HEAP     of each                             (256m)
#   KAFKA_VERSION  4.4.0
#   KAFKA_LIBS     where the jars are or go            ($KAFKA_DIR/libs-$KAFKA_VERSION)
#   KAFKA_FEATURES for example transaction.version=1: features of a new cluster other than its newest
#   KAFKA_SECURE   1: adds a SASL_SSL listener for user `headrace`, who may do all, and `limited`, who may do what ACLs grant; both have
#                  the password `secret`, and $DIR/ca.pem is what to trust
#   KAFKA_PROXIED  1: adds a plain listener on the third port after, which tells clients to come to the fourth: a proxy is there
#   KAFKA_LOG      warn, info ...                      (warn)
set -euo pipefail
COMMAND=${1:-start}
ONLY=${2:-}
DIR=${KAFKA_DIR:-/tmp/headrace-kafka}
mkdir -p "$DIR"
DIR=$(cd "$DIR" && pwd)
VERSION=${KAFKA_VERSION:-4.4.0} PORT=${KAFKA_PORT:-19092} NODES=${KAFKA_NODES:-1} HEAP=${KAFKA_HEAP:-256m} SECURE=${KAFKA_SECURE:-}
PROXIED=${KAFKA_PROXIED:-}
LIBS=${KAFKA_LIBS:-$DIR/libs-$VERSION}
COPIES=$NODES IN_SYNC=$((NODES > 1 ? NODES - 1 : 1))

port() { echo $((PORT + 10 * ($1 - 1))); }
pid() { cat "$DIR/$1/pid" 2>/dev/null || true; }
alive() { local p; p=$(pid "$1"); [ -n "$p" ] && kill -0 "$p" 2>/dev/null; }
serving() { (exec 3<>"/dev/tcp/127.0.0.1/$(port "$1")") 2>/dev/null; }
voters() { local all=""; for n in $(seq "$NODES"); do all+="${all:+,}$n@127.0.0.1:$(($(port "$n") + 1))"; done; echo "$all"; }

fetch_jars() {
  [ -f "$LIBS/.done-tools" ] && return
  mkdir -p "$LIBS" "$DIR/pom"
  cat > "$DIR/pom/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
 <groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
 <dependencies>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$VERSION</version>
   <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
  <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.5</version></dependency>
 </dependencies>
</project>
XML
  mvn -q -B -f "$DIR/pom/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$LIBS"
  touch "$LIBS/.done-tools"
}

make_certificate() {
  [ -f "$DIR/ca.pem" ] && return
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$DIR/key.pem" -out "$DIR/ca.pem" 2> /dev/null
  cat "$DIR/key.pem" "$DIR/ca.pem" > "$DIR/keystore.pem"
}

# Few internal partitions and short sessions, so that first use and takeover take tenths of seconds.
configure() { # node
  local port listeners advertised
  port=$(port "$1")
  listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)) advertised=PLAINTEXT://127.0.0.1:$port
  if [ -n "$SECURE" ]; then
    listeners+=,SASL_SSL://127.0.0.1:$((port + 2))
    advertised+=,SASL_SSL://localhost:$((port + 2))
  fi
  if [ -n "$PROXIED" ]; then
    listeners+=,PROXIED://127.0.0.1:$((port + 3))
    advertised+=,PROXIED://127.0.0.1:$((port + 4))
  fi
  mkdir -p "$DIR/$1"
  cat > "$DIR/$1/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$(voters)
listeners=$listeners
advertised.listeners=$advertised
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,PROXIED:PLAINTEXT
log.dirs=$DIR/$1/data
auto.create.topics.enable=false
default.replication.factor=$COPIES
min.insync.replicas=$IN_SYNC
offsets.topic.replication.factor=$COPIES
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$COPIES
transaction.state.log.min.isr=$IN_SYNC
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=$COPIES
share.coordinator.state.topic.min.isr=$IN_SYNC
group.initial.rebalance.delay.ms=0
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.backoff.ms=500
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=200
group.consumer.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
background.threads=2
PROPERTIES
  [ -z "$SECURE" ] || cat >> "$DIR/$1/server.properties" <<PROPERTIES
ssl.keystore.type=PEM
ssl.keystore.location=$DIR/keystore.pem
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_headrace="secret" user_limited="secret";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:headrace
PROPERTIES
  cat > "$DIR/$1/log4j2.properties" <<PROPERTIES
rootLogger.level=${KAFKA_LOG:-warn}
rootLogger.appenderRefs=o
rootLogger.appenderRef.o.ref=o
appender.o.type=Console
appender.o.name=o
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d{HH:mm:ss,SSS} %p %c{1} %m%n
PROPERTIES
}

format() { # node
  [ -f "$DIR/$1/data/meta.properties" ] && return
  local scram=()
  [ -z "$SECURE" ] || scram=(--add-scram 'SCRAM-SHA-512=[name=headrace,password=secret]')
  local feature=()
  [ -z "${KAFKA_FEATURES:-}" ] || feature=(--feature "$KAFKA_FEATURES")
  java -cp "$LIBS/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$DIR/$1/server.properties" \
    "${scram[@]}" "${feature[@]}" > "$DIR/$1/format.log" 2>&1
}

launch() { # node
  setsid nohup nice -n "${KAFKA_NICE:-5}" java -Xms"$HEAP" -Xmx"$HEAP" -XX:+UseG1GC -Djava.awt.headless=true \
    -Dlog4j2.configurationFile="$DIR/$1/log4j2.properties" -cp "$LIBS/*" kafka.Kafka "$DIR/$1/server.properties" \
    >> "$DIR/$1/kafka.log" 2>&1 < /dev/null &
  echo $! > "$DIR/$1/pid"
}

await() { # node
  for _ in $(seq 600); do
    serving "$1" && { echo "node $1 serves 127.0.0.1:$(port "$1"), process $(pid "$1")"; return; }
    alive "$1" || { echo "node $1 died:"; tail -20 "$DIR/$1/kafka.log"; exit 1; }
    sleep 0.1
  done
  echo "node $1 does not serve after 60 s"
  exit 1
}

start() {
  fetch_jars
  [ -z "$SECURE" ] || make_certificate
  for n in $CHOSEN; do alive "$n" || { configure "$n"; format "$n"; launch "$n"; }; done
  for n in $CHOSEN; do await "$n"; done
}

stop() { # signal
  local p
  for n in $CHOSEN; do
    alive "$n" || continue
    p=$(pid "$n")
    kill -"$1" "$p"
    for _ in $(seq 300); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$p" 2>/dev/null || true
    rm -f "$DIR/$n/pid"
  done
}

status() {
  for n in $CHOSEN; do
    if alive "$n"; then echo "node $n runs on 127.0.0.1:$(port "$n"), process $(pid "$n"), $(($(awk '/VmRSS/{print $2}' "/proc/$(pid "$n")/status") / 1024)) MiB"
    else echo "node $n is stopped"; fi
  done
}

CHOSEN=${ONLY:-$(seq "$NODES")}
case $COMMAND in
  start) start ;;
  stop) stop TERM ;;
  kill9) stop KILL ;;
  restart) stop TERM; start ;;
  status) status ;;
  *) echo "start-kafka.sh [start|stop|kill9|restart|status] [NODE]"; exit 64 ;;
esac
