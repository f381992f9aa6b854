/*
 * npm run soak:quota [-- --seconds N]: three processes read one stream with the quotas that they share in a Redis of their own, then one is
 * killed (SIGKILL) while its responses download. By the server's log: never more than 5 calls, 500 points or 5 open responses in any
 * second, at least 90 % of the calls or points used, and the others at full speed within 3 s of the kill.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createArchiveServer } from '../../dist/server/index.js';
import { scratch } from '../bench/recording.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
// Compiled with the tests.
const helper = (name) => import(new URL(`../../build/test/helpers/${name}.js`, import.meta.url).href);
const [{ startRedis }, { fragmentDocument, fragmentNumber, frameBlock }] = await Promise.all([
	helper('redis'),
	helper('payload'),
]);
const say = (line) => process.stdout.write(`${line}\n`);

const READERS = 3;
const FRAGMENTS = 1500;
const FRAGMENT_BYTES = 8000;
const STEP_MS = 2000;
/** Of one response, which lasts 0.4 s with 100 fragments: five calls a second leave two or three open. */
const BYTES_PER_SECOND = 2_000_000;
const QUOTA = { calls: 5, points: 500, connections: 5 };

const startMs = Date.UTC(2026, 0, 31);
const media = join(scratch(), 'media.mkv');
writeFileSync(
	media,
	Buffer.concat(
		Array.from({ length: READERS * FRAGMENTS }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * STEP_MS,
				blocks: [{ ...frameBlock(0, { keyframe: true }), data: Buffer.alloc(FRAGMENT_BYTES, index % 251) }],
			}),
		),
	),
);

const teardowns = [];
const t = { teardown: (end) => teardowns.push(end) };
const redis = await startRedis(t);
const requests = [];
const ended = [];
const server = createArchiveServer({
	quotas: { mediaBytesPerSecond: BYTES_PER_SECOND },
	onRequest: (record) => {
		if (record.operation === 'GetMediaForFragmentList') requests.push(record);
	},
	onResponseEnd: (record) => ended.push(record),
});
await server.archive.ingest('cam', media, { start: new Date(startMs) });
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const troubles = [];
const readers = await Promise.all(
	Array.from({ length: READERS }, async (_, index) => {
		const fromMs = startMs + index * FRAGMENTS * STEP_MS;
		const range = [fromMs, fromMs + (FRAGMENTS - 1) * STEP_MS].map(String);
		const script = fileURLToPath(new URL('redis-quota-reader.mjs', import.meta.url));
		const reader = fork(script, [server.endpoint, redis.url, ...range]);
		teardowns.push(() => reader.kill('SIGKILL'));
		await once(reader, 'message');
		reader.on('message', ({ message }) => troubles.push(message));
		return reader;
	}),
);
process.on('exit', () => {
	for (const reader of readers) reader.kill('SIGKILL');
});

const scriptsRun = async () =>
	Number(/cmdstat_eval:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
const redisSeconds = async () => {
	const cpu = await redis.client.info('cpu');
	return ['sys', 'user'].reduce(
		(sum, kind) => sum + Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(cpu)?.[1]),
		0,
	);
};

// The first requests of a range are small ones.
await sleep(5000);
const before = { scripts: await scriptsRun(), cpuSeconds: await redisSeconds(), atMs: performance.now() };
await sleep(seconds * 1000);
const after = { scripts: await scriptsRun(), cpuSeconds: await redisSeconds(), atMs: performance.now() };
const during = (fromMs, toMs) =>
	requests.filter(({ arrivedAtMs }) => arrivedAtMs >= fromMs && arrivedAtMs < toMs);
const counted = during(before.atMs, after.atMs);
const pointsOf = (records) => records.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0);
const lastedSeconds = (after.atMs - before.atMs) / 1000;

// Most likely one of them is the victim's.
while (requests.length - ended.filter(({ request }) => requests.includes(request)).length < 3) await sleep(1);
const victim = readers[0];
const killedAtMs = performance.now();
victim.kill('SIGKILL');
await once(victim, 'exit');
await sleep(10_000);
const broken = ended.filter(
	({ endedAtMs, isComplete }) => !isComplete && endedAtMs >= killedAtMs && endedAtMs < killedAtMs + 1000,
);
const speedAt = (ms) => during(killedAtMs + ms, killedAtMs + ms + 2000).length / 2;
let fullSpeedAfterMs = 0;
while (speedAt(fullSpeedAfterMs) < 0.9 * QUOTA.calls && fullSpeedAfterMs < 8000) fullSpeedAfterMs += 10;

const mostInASecond = (measure) =>
	Math.max(...requests.map(({ arrivedAtMs }) => measure(during(arrivedAtMs, arrivedAtMs + 1000))));
const most = {
	calls: mostInASecond((records) => records.length),
	points: mostInASecond(pointsOf),
	connections: Math.max(...requests.map(({ openMediaConnections }) => openMediaConnections + 1)),
};
const used = Math.max(counted.length / QUOTA.calls, pointsOf(counted) / QUOTA.points) / lastedSeconds;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
say(
	`${READERS} processes, ${lastedSeconds.toFixed(0)} s: ${counted.length} calls, ${pointsOf(counted)} points: ${percent(used)} of the quota used`,
);
say(
	`at most in any second: ${most.calls} calls, ${most.points} points; at once: ${most.connections} responses; throttled: ${requests.filter(({ isThrottled }) => isThrottled).length}`,
);
say(
	`scripts that Redis ran: ${((after.scripts - before.scripts) / counted.length).toFixed(1)} a call, ${((after.scripts - before.scripts) / lastedSeconds).toFixed(0)} a second, ${percent((after.cpuSeconds - before.cpuSeconds) / lastedSeconds)} of a core`,
);
say(`killed with ${broken.length} responses open: the others at full speed after ${fullSpeedAfterMs} ms`);
say(
	`calls in the seconds after it: ${[0, 1, 2, 3, 4, 5, 6, 7].map((second) => during(killedAtMs + second * 1000, killedAtMs + (second + 1) * 1000).length).join(', ')}`,
);
for (const trouble of troubles) say(trouble);
const isRight =
	Object.entries(QUOTA).every(([name, limit]) => most[name] <= limit) &&
	used >= 0.9 &&
	fullSpeedAfterMs <= 3000 &&
	troubles.length === 0;
say(isRight ? 'as it should be' : 'WRONG');

for (const end of teardowns.toReversed()) await end();
server.close();
server.closeAllConnections();
process.exitCode = isRight ? 0 : 1;
