// Longer than 300 lines: the kinds of damage, and an export for each, are half of it.

/* What an earlier process left is damaged, changed by hand, or not a file: the export has the right bytes, or says why not. */
import { cpSync, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { string } from '#lib/ebml/ebml-writer.js';
import { SinkError } from '#lib/errors.js';
import type { ExportRequest } from '#lib/export/export-request.js';
import { formatJournalLine, JOURNAL_START } from '#lib/export/journal/journal-lines.js';
import { copyAtOnce } from '../helpers/files/copy-at-once.js';
import { damage, randomFrom } from '../helpers/files/damage.js';
import {
	contents,
	eventsOf,
	openSink,
	plainRequest,
	untilWrittenDown,
	without,
} from '../helpers/files/export-run.js';
import {
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	recording,
	trackEntry,
	videoTrack,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

/** A call as Amazon Connect records it: two sides in 16-bit PCM. */
function call(): Buffer {
	const tracks = ['AUDIO_FROM_CUSTOMER', 'AUDIO_TO_CUSTOMER'].map((name, index) =>
		trackEntry(index + 1, 'audio', 'A_AAC', [string('Name', name)]),
	);
	return Buffer.concat(
		Array.from({ length: 8 }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * 1000,
				tracks,
				blocks: Array.from({ length: 20 }, (__, block) => ({
					trackNumber: 1 + (block % 2),
					relativeTicks: Math.floor(block / 2) * 100,
					keyframe: true,
					data: Buffer.alloc(1600, 20 * index + block),
				})),
			}),
		),
	);
}

/** Three fragments of a codec, and three of another: without a split, the first file waits for its name. */
function twoCodecs(): Buffer {
	return Buffer.concat(
		Array.from({ length: 6 }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * 1000,
				tracks: [index < 3 ? videoTrack : trackEntry(1, 'video', 'V_OTHER', [])],
				blocks: [frameBlock(index, { keyframe: true, relativeTicks: 0 })],
			}),
		),
	);
}

interface Stopped {
	readonly events: readonly MediaEvent[];
	readonly name: string;
	readonly request: ExportRequest;
	/** What the export is to come to. */
	readonly expected: Record<string, string>;
	/** Copies of the directory as it was after each fragment but the last, and a fresh one of each on demand. */
	readonly copy: (after: number) => Promise<string>;
	readonly count: number;
}

/** Writes an export, and keeps what a kill after each of its fragments would leave. */
async function stopped(
	t: ExecutionContext,
	media: Uint8Array | string,
	request: ExportRequest = plainRequest,
): Promise<Stopped> {
	const events = await eventsOf(t, media);
	const root = await temporaryDirectory(t);
	const name = `x.${request.container}`;
	const whole = join(root, 'whole');
	await mkdir(whole);
	const { sink } = await openSink(join(whole, name), request);
	let count = 0;
	await pipeline(async function* () {
		for (const event of events) {
			yield event;
			if (event.type !== 'fragment-end') continue;
			count++;
			await untilWrittenDown(join(whole, name), count);
			copyAtOnce(whole, join(root, `after-${count}`));
		}
	}, sink);
	let copies = 0;
	return {
		events,
		name,
		request,
		expected: await contents(whole),
		count: count - 1,
		copy: async (after) => {
			const copy = join(root, `copy-${++copies}`);
			cpSync(join(root, `after-${after}`), copy, { recursive: true });
			return copy;
		},
	};
}

/** Goes on in a directory. Returns how many fragments were left from before, and how many of no use. */
async function goOn(
	{ name, request, events }: Stopped,
	directory: string,
): Promise<{ known: number; discarded: number }> {
	const { sink, known, discarded } = await openSink(join(directory, name), request);
	const before = known.size;
	await pipeline(Readable.from(without(events, known)), sink);
	return { known: before, discarded };
}

const clock = resolve('examples/media/clock.mkv');
const mp4 = { ...plainRequest, container: 'mp4' } as const;

const exports_: readonly [string, Uint8Array | string, ExportRequest][] = [
	['.mkv', clock, plainRequest],
	['.mp4', clock, mp4],
	['.mp4, several', clock, { ...mp4, split: [{ everyMs: 3000 }] }],
	['.mp4, index in front', clock, { ...mp4, faststart: true }],
	[
		'.mov, several, index in front',
		clock,
		{ ...mp4, container: 'mov', split: [{ everyMs: 3000 }], faststart: true },
	],
	['.wav', call(), { ...plainRequest, container: 'wav' }],
	['.wav, a file for each track', call(), { ...plainRequest, container: 'wav', channels: 'split' }],
];

/** How many of each; `npm run soak:kills -- --damage` does more. */
const DAMAGES = 12;

for (const [what, media, request] of exports_) {
	test(`a resumed export after damage has the right bytes or an error that says why not: ${what}`, async (t) => {
		const made = await stopped(t, media, request);
		let right = 0;
		for (let seed = 1; seed <= DAMAGES; seed++) {
			const random = randomFrom(seed);
			const directory = await made.copy(1 + Math.floor(random() * made.count));
			const names = (await readdir(directory)).sort();
			const victim = names[Math.floor(random() * names.length)] as string;
			const path = join(directory, victim);
			const { how, bytes } = damage(await readFile(path), random);
			const said = `seed ${seed}, ${victim}: ${how}`;
			await (bytes === null ? rm(path) : writeFile(path, bytes));
			try {
				await goOn(made, directory);
			} catch (error) {
				t.true(error instanceof SinkError, `${said}: ${String(error)}`);
				continue;
			}
			t.deepEqual(await contents(directory), made.expected, said);
			right++;
		}
		t.is(right, DAMAGES, 'no damage of this kind is in the way of an export');
	});
}

test('a damaged part is cut back to the last fragment before the damage', async (t) => {
	const made = await stopped(t, recording(10));
	const part = '.x-001.mkv.part';
	const whole = await readFile(join(await made.copy(6), part));
	for (let fragment = 1; fragment <= 6; fragment++) {
		const directory = await made.copy(6);
		const changed = Buffer.from(whole);
		const at = changed.indexOf(`frame-${String(2 * fragment - 2).padStart(4, '0')}`);
		t.not(at, -1);
		changed[at] = 0;
		await writeFile(join(directory, part), changed);
		const left = fragment - 1;
		t.deepEqual(await goOn(made, directory), { known: left, discarded: 6 - left }, `fragment ${fragment}`);
		t.deepEqual(await contents(directory), made.expected, `fragment ${fragment}`);
	}
});

for (const [what, request] of [
	['published', { ...mp4, split: [{ everyMs: 3000 }] }],
	['waits for its name', plainRequest],
] as [string, ExportRequest][]) {
	test(`a finished file that is damaged is written again: it ${what}`, async (t) => {
		const media = what === 'published' ? clock : twoCodecs();
		const made = await stopped(t, media, request);
		const sealed = what === 'published' ? `x-001.${request.container}` : `.x-001.${request.container}.part`;
		const size = (await readFile(join(await made.copy(made.count), sealed))).byteLength;
		for (const at of [0, size >> 1, size - 1]) {
			const directory = await made.copy(made.count);
			const bytes = await readFile(join(directory, sealed));
			bytes[at] = (bytes[at] ?? 0) ^ 1;
			await writeFile(join(directory, sealed), bytes);
			t.deepEqual(await goOn(made, directory), { known: 0, discarded: made.count }, `${at}`);
			t.deepEqual(await contents(directory), made.expected, `${at}`);
		}
	});
}

test('a kill while a file is finished leaves what the export continues from', async (t) => {
	for (const [request, hasPatches] of [
		[plainRequest, true],
		[mp4, true],
		[{ ...mp4, faststart: true }, false],
	] as [ExportRequest, boolean][]) {
		const made = await stopped(t, clock, request);
		const directory = await made.copy(made.count);
		const part = join(directory, `.x-001.${request.container}.part`);
		// Finished, and without its name: the journal does not know of it yet.
		const finished = Buffer.from(made.expected[made.name] as string, 'base64');
		await writeFile(part, finished);
		const { known, discarded } = await goOn(made, directory);
		const all = hasPatches ? made.count : 0;
		t.deepEqual([known, discarded], [all, made.count - all]);
		t.deepEqual(await contents(directory), made.expected);
	}
});

/** Writes a journal anew, its checksums too, with changed lines: as somebody does who wants harm. */
async function tamper(path: string, change: (line: string) => string): Promise<void> {
	let before = JOURNAL_START;
	let changed = '';
	for (const line of (await readFile(path, 'utf8')).split('\n').slice(0, -1)) {
		const [fragment = '', rest = ''] = change(line).split('\t');
		const { text, checksum } = formatJournalLine(before, fragment, rest);
		changed += text;
		before = checksum;
	}
	await writeFile(path, changed);
}

test('a journal that was changed by hand reaches no other file, and does not stop the process', async (t) => {
	const made = await stopped(t, twoCodecs());
	const journal = `.${made.name}.journal.part`;
	const changes: readonly [string, string, RegExp][] = [
		['".x-001.mkv.part"', '"../victim"', /line 2 of .* invalid `opened` file/],
		['".x-002.mkv.part"', '"/etc/passwd"', /line 5 of .* invalid `opened` file/],
		['"part":".x-001.mkv.part"', '"part":"victim"', /line 5 of .* invalid `sealed` files/],
		['"suffix":null', '"suffix":"../../victim"', /invalid `sealed` files/],
		['"parts":[', '"parts":[7,', /invalid `opened` file/],
		['"headBytes":', '"headBytes":-', /invalid `state`/],
		['"lanes":[', '"lanes":[null,', /invalid `state`/],
		['"offset":', '"offset":1.5,"was":', /invalid fragment/],
		['"file":0', '"file":99', /invalid fragment/],
		['"status":"delivered"', '"status":"__proto__"', /invalid fragment/],
		['"gaps":0', '"gaps":"many"', /invalid `gaps`/],
		['"sink":{', `"sink":{"deep":${'['.repeat(5000)}${']'.repeat(5000)},`, /invalid `sink`/],
		['"state":{', '"state":{{', /is not JSON/],
		['"request":{', '"request":0,"was":{', /line 1 of .* no valid `request`/],
	];
	for (const [from, to, message] of changes) {
		for (const request of [made.request, { ...made.request, gaps: 'close' } as const]) {
			const root = await made.copy(5);
			const directory = join(root, 'exports');
			await mkdir(directory);
			for (const name of await readdir(root))
				if (name.startsWith('.')) await rename(join(root, name), join(directory, name));
			for (const victim of [join(root, 'victim'), join(directory, 'victim')])
				await writeFile(victim, 'precious');
			await tamper(join(directory, journal), (line) => line.replace(from, to));
			const said = `${from} is ${to.slice(0, 40)}`;
			await t.throwsAsync(goOn({ ...made, request }, directory), { code: 'KVS_SINK_FAILED', message }, said);
			t.true(existsSync(join(root, 'victim')) && existsSync(join(directory, 'victim')), said);
		}
	}
	// Valid, and not of what was written.
	const directory = await made.copy(3);
	await tamper(join(directory, journal), (line) => line.replace(/"headBytes":/, '"headBytes":1'));
	await goOn(made, directory).catch((error) => t.true(error instanceof SinkError, String(error)));
});

test('refuses a FIFO, a directory or a link in place of a file, without waiting for or following it', async (t) => {
	const made = await stopped(t, recording(4));
	const kinds: readonly [string, (path: string) => Promise<unknown>][] = [
		['a FIFO', (path) => run('mkfifo', [path])],
		['a directory', (path) => mkdir(path)],
		['a symbolic link', (path) => symlink('victim', path)],
	];
	for (const name of ['.x-001.mkv.part', '.x.mkv.journal.part', 'x.mkv']) {
		for (const [kind, make] of kinds) {
			const directory = await made.copy(2);
			const victim = join(directory, 'victim');
			await writeFile(victim, 'precious');
			await rm(join(directory, name), { force: true });
			await make(join(directory, name));
			const said = `${kind} as ${name}`;
			// A link to a file is replaced by the finished file, and what it leads to stays.
			if (kind === 'a symbolic link' && name === 'x.mkv') await goOn(made, directory);
			else {
				const message = new RegExp(`${name.replaceAll('.', '\\.')}\` is ${kind}, not a file$`);
				await t.throwsAsync(goOn(made, directory), { code: 'KVS_SINK_FAILED', message }, said);
			}
			t.is(await readFile(victim, 'utf8'), 'precious', said);
		}
	}
});
