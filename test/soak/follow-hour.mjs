/*
 * npm run soak:follow-hour [-- --minutes N --speed N --live]: so much media is put in, by default an hour at 20 times real time, and followed
 * with a checkpoint by a process of its own. From half time on its memory after a collection is to grow by 10 % at most, its lag is
 * to stay, and at the end nothing more is to be open than after the first minute. `--speed 1` is by the clock.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KvsArchive } from 'kvs-archive';
import { block, cluster } from '#lib/mkv/matroska-writer.js';
import { scratch } from '../bench/recording.mjs';
import { bodyHeader, endOfFragment } from './producer-media.mjs';

const { values } = parseArgs({
	options: {
		minutes: { type: 'string', default: '60' },
		speed: { type: 'string', default: '20' },
		live: { type: 'boolean', default: false },
	},
});
const speed = Number(values.speed);
const FRAGMENT_MS = 2000;
const FRAMES = 50;
const FRAME_BYTES = 4000;
const MAX_LAG_MS = 10_000;
const MAX_GROWTH = 1.1;
const fragments = (Number(values.minutes) * 60_000) / FRAGMENT_MS;
const seconds = (fragments * FRAGMENT_MS) / 1000 / speed;
const say = (line) => process.stdout.write(`${line}\n`);
const verdict = (isMet) => (isMet ? 'met' : 'MISSED');
const mebibytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
let missed = 0;
const check = (isMet) => {
	if (!isMet) missed++;
	return verdict(isMet);
};

const directory = scratch();
const start = async (file, args) => {
	const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: ['--expose-gc'] });
	const [hello] = await once(child, 'message');
	return { child, hello };
};
const server = await start('../bench/ingest-server.mjs', ['archive', directory, 'cam']);
const endpoint = `http://127.0.0.1:${server.hello.port}`;
const via = values.live ? 'live' : 'listing';
const reader = await start('follow-reader.mjs', [endpoint, via, join(directory, 'checkpoint.json')]);
const usage = async () => {
	reader.child.send('usage');
	return (await once(reader.child, 'message'))[0];
};

async function* media() {
	yield bodyHeader;
	const beganMs = Date.now();
	for (let index = 0; index < fragments; index++) {
		await sleep(Math.max(0, beganMs + (index * FRAGMENT_MS) / speed - Date.now()));
		const blocks = Array.from({ length: FRAMES }, (_, frame) =>
			block({
				trackNumber: 1,
				relativeTicks: (frame * FRAGMENT_MS) / FRAMES,
				keyframe: frame === 0,
				data: Buffer.alloc(FRAME_BYTES, index % 251),
			}),
		);
		yield Buffer.concat([...cluster(BigInt(beganMs + index * FRAGMENT_MS), blocks.flat()), endOfFragment]);
	}
}

const usages = Promise.all(
	[Math.min(60, seconds / 3), seconds / 2].map((second) => sleep(second * 1000).then(usage)),
);
const producer = new KvsArchive({ streamName: 'cam', endpoint });
let persisted = 0;
for await (const { eventType } of producer.putMedia(media())) if (eventType === 'PERSISTED') persisted++;
await producer.close();
const [atMinute, atHalf] = await usages;
const atEnd = await usage();
const endMs = Date.now() + 60_000;
let last = atEnd;
while (last.ended < persisted && Date.now() < endMs) {
	await sleep(500);
	last = await usage();
}
for (const { child } of [reader, server]) {
	child.kill();
	await once(child, 'close');
}

say(
	`${via}: ${values.minutes} minutes of media in ${seconds} s; ${persisted} fragments PERSISTED, ${last.ended} followed ${check(last.ended === persisted)}`,
);
const growth = atEnd.usedBytes / atHalf.usedBytes;
say(
	`memory after a collection: ${mebibytes(atHalf.usedBytes)} at half time, ${mebibytes(atEnd.usedBytes)} at the end (${growth.toFixed(2)}, target ${MAX_GROWTH}) ${check(growth <= MAX_GROWTH)}; resident ${mebibytes(atEnd.rss)}`,
);
const halves = [[...atMinute.lagsMs, ...atHalf.lagsMs], atEnd.lagsMs];
const [firstMs, secondMs] = halves.map((lagsMs) => lagsMs.toSorted((a, b) => a - b)[lagsMs.length >> 1]);
const maxMs = Math.max(...halves.flat());
say(
	`from a fragment's begin to its end event: median ${firstMs} ms in the first half, ${secondMs} ms in the second, at most ${maxMs} ms (target ${MAX_LAG_MS}) ${check(maxMs <= MAX_LAG_MS)}`,
);
say(
	`open: ${atMinute.resources.length} after ${Math.min(60, seconds / 3)} s, ${atEnd.resources.length} at the end ${check(atEnd.resources.length <= atMinute.resources.length)}: ${atEnd.resources.toSorted().join(' ')}`,
);
process.exitCode = missed === 0 ? 0 : 1;
