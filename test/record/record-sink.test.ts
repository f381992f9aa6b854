import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
	type Container,
	type MediaEvent,
	type SinkError,
	type SplitRule,
	verifyRecordings,
} from 'kvs-archive';
import { RecordJournal } from '#lib/record/record-journal.js';
import { RecordSink } from '#lib/record/record-sink.js';
import { RecordingDirectory } from '#lib/record/recording-directory.js';
import { copyAtOnce, fingerprint } from '../helpers/files/copy-at-once.js';
import { damage, randomFrom } from '../helpers/files/damage.js';
import { contents, eventsOf, without } from '../helpers/files/export-run.js';
import { recordingsIn } from '../helpers/files/record-run.js';
import { matroskaFrames } from '../helpers/media/matroska-frames.js';
import { fragmentDocument, fragmentNumber, frameBlock, recording } from '../helpers/media/payload.js';
import { blocksOf, pcmRecording } from '../helpers/media/pcm.js';
import { startMs } from '../helpers/media/range.js';
import { temporaryDirectory } from '../helpers/tools.js';

interface Kind {
	readonly container: Container;
	readonly split: readonly SplitRule[];
}

/** Records events into a directory, those that its journal does not know. `onTurn` is called again and again meanwhile. */
async function recordEvents(
	directory: string,
	events: readonly MediaEvent[],
	{ container, split }: Kind,
	onTurn: () => void = () => {},
): Promise<void> {
	const { journal, past, lost } = await RecordJournal.open(directory, { stream: 'door', fromMs: 0 });
	const { done } = journal.resume('door/default', null, lost);
	const sink = new RecordSink({
		directory: new RecordingDirectory(directory),
		stream: 'door',
		container,
		split,
		journal,
		past,
		lost,
		serverMsOf: () => 1_000_000,
		ack: async () => {},
		onRecording: async () => {},
	});
	let isOver = false;
	const turns = async (): Promise<void> => {
		while (!isOver) {
			onTurn();
			await setImmediate();
		}
	};
	const left = without(events, new Set(Object.keys(done)));
	const turning = turns();
	try {
		await pipeline(left, sink);
	} finally {
		isOver = true;
		await turning;
	}
}

/** The data of the frames of the recordings, in order. */
async function dataIn(directory: string): Promise<string[]> {
	const files = (await recordingsIn(directory)).map(({ file }) => matroskaFrames(join(directory, file)));
	return (await Promise.all(files)).flat().map(({ data }) => Buffer.from(data).toString());
}

/** Copies a directory as it is at once, as a kill leaves it, unless that was copied before. */
function copyInto(root: string, directory: string, copies: Map<string, string>): void {
	if (copies.has(fingerprint(directory))) return;
	const copy = join(root, String(copies.size));
	copies.set(copyAtOnce(directory, copy), copy);
}

/**
 * Records once as a whole, and once for every place in which the recorder could be killed: the files as they are then are all that
 * is left, and the recorder goes on from them. Places that leave the same files are one.
 */
async function assertResumes(
	t: ExecutionContext,
	events: readonly MediaEvent[],
	kind: Kind,
): Promise<string[]> {
	const root = await temporaryDirectory(t);
	const whole = join(root, 'whole');
	await mkdir(whole);
	const snapshots = new Map<string, string>();
	await recordEvents(whole, events, kind, () => copyInto(root, whole, snapshots));
	const expected = await contents(whole);
	// Each fragment changes the part and the journal.
	const count = events.filter(({ type }) => type === 'fragment-end').length;
	t.true(snapshots.size > 2 * count, `${snapshots.size} places in ${count} fragments`);
	const resume = async (snapshot: string): Promise<void> => {
		await recordEvents(snapshot, events, kind);
		const found = await contents(snapshot);
		t.deepEqual(Object.keys(found), Object.keys(expected), snapshot);
		for (const [name, content] of Object.entries(expected)) {
			const text = Buffer.from(found[name] ?? '', 'base64').toString('latin1', 0, 3000);
			t.true(found[name] === content, `${snapshot}: ${name}: ${text}`);
		}
	};
	// Most of it is waiting for the disk.
	await Promise.all([...snapshots.values()].map(resume));
	t.deepEqual((await verifyRecordings(whole)).damage, []);
	return Object.keys(expected);
}

test('a recorder killed at any point and resumed writes the same recordings', async (t) => {
	const events = await eventsOf(t, recording(5));
	const files = await assertResumes(t, events, { container: 'mkv', split: [{ everyMs: 4000 }] });
	t.is(files.filter((name) => name.endsWith('.mkv')).length, 3);
});

test('a recorder of video and audio in MP4, killed at any point and resumed, writes the same recordings', async (t) => {
	const all = await eventsOf(t, resolve('examples/media/clock.mkv'));
	const events = all.slice(0, all.findIndex(({ type }, index) => type === 'fragment-end' && index > 400) + 1);
	const files = await assertResumes(t, events, { container: 'mp4', split: [{ everyMs: 5000 }] });
	t.is(files.filter((name) => name.endsWith('.mp4')).length, 2);
});

test('a recorder killed at any point and resumed keeps samples that span fragments and files', async (t) => {
	const bytes = Buffer.from(Array.from({ length: 24_000 }, (_, index) => (index * 7) % 251));
	const fragments = blocksOf(bytes, [321, 318], { startMs, perFragment: 25, bytesPerMs: 16 });
	const events = await eventsOf(t, pcmRecording(fragments));
	const files = await assertResumes(t, events, { container: 'wav', split: [{ maxBytes: 16_500 }] });
	t.is(files.filter((name) => name.endsWith('.wav')).length, 3);
});

test('a fragment cut before its end is in no file, and the next run writes it once', async (t) => {
	const document = (index: number): Buffer =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + index * 20_000,
			// Larger than what is written at once.
			blocks: Array.from({ length: 3 }, (_, frame) => ({
				...frameBlock(frame, { keyframe: true, relativeTicks: frame * 2000 }),
				data: Buffer.concat([Buffer.from(`${index}/${frame} `), Buffer.alloc(2_200_000)]),
			})),
		});
	const events = await eventsOf(t, Buffer.concat([0, 1, 2].map(document)));
	const names = [0, 1, 2].map((index) => [0, 1, 2].map((frame) => `${index}/${frame}`));
	for (const whole of [0, 1]) {
		const directory = await temporaryDirectory(t);
		const ends = events.flatMap(({ type }, index) => (type === 'fragment-end' ? [index] : []));
		// All of the next fragment but its end.
		await recordEvents(directory, events.slice(0, ends[whole]), { container: 'mkv', split: ['codec'] });
		const before = whole === 0 ? [] : await dataIn(directory);
		t.deepEqual(
			before.map((data) => data.slice(0, 3)),
			names.slice(0, whole).flat(),
		);
		await recordEvents(directory, events, { container: 'mkv', split: ['codec'] });
		t.deepEqual(
			(await dataIn(directory)).map((data) => data.slice(0, 3)),
			names.flat(),
		);
		t.deepEqual((await verifyRecordings(directory)).damage, []);
	}
});

test('whatever is damaged after a kill, the next run has each frame in one file, or reports what is wrong', async (t) => {
	const events = await eventsOf(t, recording(6));
	const kind = { container: 'mkv', split: [{ everyMs: 6000 }] } as const;
	const root = await temporaryDirectory(t);
	const whole = join(root, 'whole');
	await mkdir(whole);
	const copies = new Map<string, string>();
	await recordEvents(whole, events, kind, () => copyInto(root, whole, copies));
	const expected = await dataIn(whole);
	// With a file that is finished and one that is open.
	const killed = [...copies.values()].filter((copy) => {
		const names = readdirSync(copy);
		return names.some((name) => name.endsWith('.part')) && names.includes('recordings.jsonl');
	});
	t.true(killed.length > 3);
	const refused: string[] = [];
	const random = randomFrom(1);
	const trials = Array.from({ length: 60 }, async (_, index) => {
		const directory = join(root, `damaged-${index}`);
		cpSync(killed[index % killed.length] as string, directory, { recursive: true });
		const names = readdirSync(directory).filter((name) => !name.endsWith('.mkv'));
		const name = names[Math.floor(random() * names.length)] as string;
		const { how, bytes } = damage(readFileSync(join(directory, name)), random);
		if (bytes === null) rmSync(join(directory, name));
		else writeFileSync(join(directory, name), bytes);
		try {
			await recordEvents(directory, events, kind);
		} catch (error) {
			t.is((error as SinkError).code, 'KVS_SINK_FAILED', `${name}: ${how}: ${(error as Error).message}`);
			refused.push((error as Error).message);
			return;
		}
		const files = readdirSync(directory).filter((file) => file.endsWith('.mkv'));
		const frames = await Promise.all(files.map((file) => matroskaFrames(join(directory, file))));
		const data = frames.flat().map((frame) => Buffer.from(frame.data).toString());
		t.deepEqual(data.toSorted(), expected.toSorted(), `${name}: ${how}`);
	});
	await Promise.all(trials);
	t.true(refused.length < 30, refused.join('\n'));
	for (const message of refused)
		t.regex(message, /move that file away|has an unknown format; use the version that wrote it/);
});
