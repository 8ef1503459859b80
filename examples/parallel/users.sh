#!/bin/bash
# A list in shards on several machines, by GNU parallel over ssh:
#
#   ./users.sh users.csv machine1 machine2 machine3 machine4
#
# vescli and its profile have to be on every machine. A machine keeps the journal of its shard, so keep the order of the
# machines. Run it again to continue.
set -eu
list=$1
shift
name=$(basename "$list" .csv)

# A connection that breaks and a machine that comes back are tried again; vescli sends only what is due. The list goes in
# through ssh, so no copy of it stays behind.
failed=0
parallel --jobs 0 --retries 3 --delay 0.1 --tag --joblog "$name.joblog" \
    "ssh -o BatchMode=yes -o ServerAliveInterval=15 {2} \
        vescli bulk - --shard {1}/$# --journal $name.journal --rate ${RATE:-60/m} --yes <$list" \
    ::: $(seq $#) :::+ "$@" || failed=$?

# One journal of all shards, new each time, for `vescli journal show` and `export`.
rm -f "$name.journal" "$name".shard-*-of-$#.journal
parallel --jobs 0 "scp -q -o BatchMode=yes {2}:$name.shard-{1}-of-$#.journal ." ::: $(seq $#) :::+ "$@"
vescli journal merge --into "$name.journal" "$name".shard-*-of-$#.journal
exit "$failed"
