#!/usr/bin/env node
// Reads what a route of Hookfleet republishes by `stream: {key: …, maxlen: …}`, as one of a consumer group.
//
//     node consumer.mjs --stream orders --group shop --consumer shop-1
//
// Node's standard library only (18 or newer). Each notification is handled by one consumer of the group. One that was read but not
// acknowledged (the consumer died) is taken over by another after a minute: handle() may see a notification again, its `idempotencyKey`
// tells.
import net from "node:net";
import { parseArgs } from "node:util";

const TAKE_OVER_MS = 60_000;

/** Redis answered with an error. */
class RedisError extends Error {}

/** A whole reply (RESP 2) at `from` of `buffer` and where it ends, or nothing while bytes are missing. Texts are Buffers. */
function parse(buffer, from) {
  const end = buffer.indexOf("\r\n", from);
  if (end < 0) return undefined;
  const rest = buffer.toString("latin1", from + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(buffer[from])) {
    case "+":
      return { value: Buffer.from(rest, "latin1"), next };
    case "-":
      return { value: new RedisError(rest), next };
    case ":":
      return { value: Number(rest), next };
    case "$": {
      const size = Number(rest);
      if (size < 0) return { value: null, next };
      if (buffer.length < next + size + 2) return undefined;
      return { value: buffer.subarray(next, next + size), next: next + size + 2 };
    }
    case "*": {
      const size = Number(rest);
      if (size < 0) return { value: null, next };
      const value = [];
      let at = next;
      for (let i = 0; i < size; ++i) {
        const item = parse(buffer, at);
        if (item === undefined) return undefined;
        value.push(item.value);
        at = item.next;
      }
      return { value, next: at };
    }
    default:
      throw new Error("not a reply of Redis");
  }
}

/** As much of a client as a consumer needs: one command at a time. */
class Redis {
  static async connect(url) {
    const address = new URL(url);
    const redis = new Redis();
    redis.received = Buffer.alloc(0);
    redis.socket = net.connect(Number(address.port || 6379), address.hostname.replace(/^\[|\]$/g, "") || "127.0.0.1");
    redis.socket.on("data", (bytes) => redis.take(bytes));
    redis.socket.on("error", (error) => redis.fail(error));
    redis.socket.on("close", () => redis.fail(new Error("Redis closed the connection")));
    await new Promise((resolve, reject) => {
      redis.waiting = { reject };
      redis.socket.once("connect", resolve);
    });
    redis.waiting = undefined;
    if (address.password) {
      const user = address.username ? [decodeURIComponent(address.username)] : [];
      await redis.call("AUTH", ...user, decodeURIComponent(address.password));
    }
    if (address.pathname.length > 1) await redis.call("SELECT", address.pathname.slice(1));
    return redis;
  }

  call(...words) {
    const parts = words.map((word) => (Buffer.isBuffer(word) ? word : Buffer.from(String(word))));
    const command = [Buffer.from(`*${parts.length}\r\n`)];
    for (const part of parts) command.push(Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n"));
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(this.failed);
      this.waiting = { resolve, reject };
      this.socket.write(Buffer.concat(command));
    });
  }

  take(bytes) {
    this.received = Buffer.concat([this.received, bytes]);
    const reply = parse(this.received, 0);
    if (reply === undefined || this.waiting === undefined) return;
    this.received = this.received.subarray(reply.next);
    const { resolve, reject } = this.waiting;
    this.waiting = undefined;
    if (reply.value instanceof RedisError) reject(reply.value);
    else resolve(reply.value);
  }

  fail(error) {
    this.failed ??= error;
    this.waiting?.reject(this.failed);
    this.waiting = undefined;
  }

  close() {
    this.socket.destroy();
  }
}

/** Yours to write. Returns: it is acknowledged. Throws: it stays pending and comes again. */
async function handle(notification) {
  console.log(JSON.stringify(notification));
}

function notificationOf(fields) {
  const notification = {};
  for (let i = 0; i + 1 < fields.length; i += 2) notification[fields[i].toString()] = fields[i + 1].toString();
  notification.body = JSON.parse(notification.body);
  return notification;
}

async function consume(redis, { stream, group, consumer, count }) {
  try {
    await redis.call("XGROUP", "CREATE", stream, group, "0", "MKSTREAM");
  } catch (error) {
    if (!(error instanceof RedisError) || !error.message.startsWith("BUSYGROUP")) throw error;
  }
  let handled = 0;
  let own = "0"; // what we had read before a restart and not acknowledged comes first
  while (count === 0 || handled < count) {
    // Those of consumers that are gone.
    let entries = (await redis.call("XAUTOCLAIM", stream, group, consumer, TAKE_OVER_MS, "0", "COUNT", "10"))[1];
    if (entries.length === 0) {
      const read = await redis.call("XREADGROUP", "GROUP", group, consumer, "COUNT", "10", "BLOCK", "5000", "STREAMS", stream, own);
      entries = read === null ? [] : read[0][1];
      if (own !== ">" && entries.length === 0) own = ">";
    }
    for (const [id, fields] of entries) {
      // Without fields: cut off the stream by maxlen before it was handled.
      if (fields !== null && fields.length > 0) await handle(notificationOf(fields));
      await redis.call("XACK", stream, group, id);
      if (own !== ">") own = id.toString();
      if (++handled === count) return;
    }
  }
}

const { values } = parseArgs({
  options: {
    redis: { type: "string", default: "redis://127.0.0.1:6379" },
    stream: { type: "string" }, // the key that the route names
    group: { type: "string" },
    consumer: { type: "string" }, // a name of its own for each process
    count: { type: "string", default: "0" }, // end after so many; 0: never
  },
});
for (const name of ["stream", "group", "consumer"]) {
  if (values[name] === undefined) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}
const redis = await Redis.connect(values.redis);
await consume(redis, { ...values, count: Number(values.count) });
redis.close();
