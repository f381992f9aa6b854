import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { MediaEvent } from 'kvs-archive';
import type { ExportRequest } from '#lib/export/export-request.js';
import { copyAtOnce, fingerprint } from '../helpers/files/copy-at-once.js';
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
	trackEntry,
	videoTrack,
} from '../helpers/media/payload.js';
import { blocksOf, pcmRecording, secondOfPcm } from '../helpers/media/pcm.js';
import { startMs } from '../helpers/media/range.js';
import { temporaryDirectory } from '../helpers/tools.js';

const clock = resolve('examples/media/clock.mkv');

/**
 * Writes an export once as a whole, and once for every place in which it could be killed: the files as they are then are all
 * that is left, and the export goes on from them. Places that leave the same files are one.
 */
async function assertResumes(
	t: ExecutionContext,
	events: readonly MediaEvent[],
	request: ExportRequest,
	/** How many fragments wait for the next before they are written down. */
	{ heldBack = 0 } = {},
): Promise<Record<string, string>> {
	const root = await temporaryDirectory(t);
	const name = `x.${request.container}`;
	const whole = join(root, 'whole');
	await mkdir(whole);
	const { sink } = await openSink(join(whole, name), request);
	const snapshots = new Map<string, string>();
	/** At once, as a kill is. */
	const kill = (): void => {
		if (snapshots.has(fingerprint(whole))) return;
		const snapshot = join(root, String(snapshots.size));
		snapshots.set(copyAtOnce(whole, snapshot), snapshot);
	};
	let ended = 0;
	await pipeline(async function* () {
		for (const [index, event] of events.entries()) {
			yield event;
			// Some in the middle of a fragment, and all around its ends.
			if (event.type === 'frame' && index % 7 !== 0) continue;
			await setImmediate();
			kill();
			if (event.type !== 'fragment-end') continue;
			await untilWrittenDown(join(whole, name), ++ended - heldBack);
			kill();
		}
	}, sink);
	const expected = await contents(whole);
	t.true(snapshots.size >= ended - heldBack, `${snapshots.size} of ${ended}`);
	for (const snapshot of snapshots.values()) {
		const { sink: again, known } = await openSink(join(snapshot, name), request);
		await pipeline(Readable.from(without(events, known)), again);
		t.deepEqual(await contents(snapshot), expected, snapshot);
	}
	return expected;
}

for (const container of ['mkv', 'mp4', 'mov'] as const) {
	test(`killed anywhere and resumed, a .${container} has the same bytes`, async (t) => {
		const events = await eventsOf(t, clock);
		const files = await assertResumes(t, events, { ...plainRequest, container });
		t.deepEqual(Object.keys(files), [`x.${container}`, `x.${container}.json`]);
	});
}

test('killed anywhere and resumed, numbered files have the same bytes', async (t) => {
	const events = await eventsOf(t, clock);
	const files = await assertResumes(t, events, {
		...plainRequest,
		container: 'mp4',
		split: [{ everyMs: 3000 }],
	});
	t.true(Object.keys(files).length > 3, Object.keys(files).join());
	t.true('x-002.mp4' in files);
});

test('killed anywhere and resumed, files cut where the codec changes have the same bytes', async (t) => {
	const other = trackEntry(1, 'video', 'V_OTHER', []);
	const media = Buffer.concat(
		[videoTrack, videoTrack, other, videoTrack].map((track, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + 1000 * index,
				tracks: [track],
				blocks: [
					frameBlock(2 * index, { keyframe: true }),
					frameBlock(2 * index + 1, { relativeTicks: 500 }),
				],
			}),
		),
	);
	const files = await assertResumes(t, await eventsOf(t, media), plainRequest);
	t.deepEqual(Object.keys(files), ['x-001.mkv', 'x-002.mkv', 'x-003.mkv', 'x.mkv.json']);
	const manifest = JSON.parse(Buffer.from(files['x.mkv.json'] as string, 'base64').toString());
	t.deepEqual(
		manifest.files.map(({ cut }: { cut: { reason: string; detail: string } | null }) => cut?.detail),
		[
			undefined,
			'track 1 changes its codec from V_TEST to V_OTHER',
			'track 1 changes its codec from V_OTHER to V_TEST',
		],
	);
});

test('killed anywhere and resumed, samples that span fragments and files, a wrong last time and a long gap give the same bytes', async (t) => {
	const bytes = Buffer.from(Array.from({ length: 24_000 }, (_, index) => (index * 7) % 251));
	const fragments = blocksOf(bytes, [321, 318], { startMs, perFragment: 25, bytesPerMs: 16 });
	const [second] = fragments.slice(1);
	const last = second?.blocks.at(-1) as { ms: number; data: Uint8Array };
	Object.assign(last, { ms: 30_000 });
	const media = pcmRecording([...fragments, secondOfPcm(startMs + 80 * 3_600_000, 0)]);
	for (const request of [
		{ ...plainRequest, container: 'wav', split: [{ maxBytes: 22_000 }] },
		{ ...plainRequest, container: 'mkv', gaps: 'fill' },
	] as const) {
		const files = await assertResumes(t, await eventsOf(t, media), request, { heldBack: 1 });
		const manifest = JSON.parse(
			Buffer.from(files[`x.${request.container}.json`] as string, 'base64').toString(),
		);
		t.is(manifest.files.at(-1).cut.reason, 'gap');
		if (request.container === 'mkv') continue;
		const names = Object.keys(files).filter((name) => name.endsWith('.wav'));
		t.is(names.length, 3);
		const samples = names.map((name) => Buffer.from(files[name] as string, 'base64').subarray(80));
		t.true(Buffer.concat(samples).subarray(0, bytes.byteLength).equals(bytes));
	}
});
