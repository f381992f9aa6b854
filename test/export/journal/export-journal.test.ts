import { existsSync } from 'node:fs';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { JournalStep } from '#lib/export/export-past.js';
import type { ExportRequest } from '#lib/export/export-request.js';
import { ExportJournal } from '#lib/export/journal/export-journal.js';
import { temporaryDirectory } from '../../helpers/tools.js';

const request: ExportRequest = {
	stream: 'door',
	from: '2026-01-31T00:00:00.000Z',
	to: '2026-01-31T01:00:00.000Z',
	by: 'producer',
	padStart: true,
	duplicates: 'keep-all',
	container: 'mkv',
	tracks: [1, 'audio'],
	gaps: 'keep',
	split: [{ everyMs: 1000 }, 'gap'],
	channels: 'stereo',
	faststart: false,
};

/** The part that the steps write to, as they say. */
const PART = '.x-001.mkv.part';

function step(index: number): JournalStep {
	return {
		fragment: {
			fragmentNumber: String(index),
			producerTimestamp: null,
			serverTimestamp: null,
			status: index % 3 === 2 ? 'missing' : 'delivered',
			...(index % 3 === 2 ? { code: null, name: 'MISSING', message: 'it never came' } : {}),
			frames: 2,
			bytes: 10,
			sha256: null,
			ranges: [],
		},
		gaps: index,
		merged: { gap: index, overlap: 0, regression: 0, duplicate: 0 },
		mergedGapMs: index,
		sink: {
			gaps: {
				startMs: index,
				meanMs: null,
				defaultDurationNs: null,
				extent: { count: 0, earliestMs: [], latestMs: [] },
			},
			sampleStarts: [],
		},
		...(index === 1 ? { opened: { number: 0, cut: null, tracks: [], parts: [PART] } } : {}),
		state:
			index === 0
				? null
				: {
						timeline: { originMs: 0, shiftMs: 0, spans: [] },
						lanes: [{ sizeBytes: index, headBytes: 1, frames: 2, state: { index }, entries: [index] }],
					},
	};
}

async function written(t: ExecutionContext, steps: number): Promise<string> {
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const { journal } = await ExportJournal.open(file, request);
	for (let index = 0; index < steps; index++) await journal.step(step(index));
	await journal.leave();
	await writeFile(join(dirname(file), PART), 'frames');
	return file;
}

const journalOf = (file: string): string => file.replace('x.mkv', '.x.mkv.journal.part');

test('a reopened journal has the recorded steps', async (t) => {
	const file = await written(t, 4);
	const { journal, past } = await ExportJournal.open(file, structuredClone(request));
	t.deepEqual([...past.known], ['0', '1', '2', '3']);
	t.is(past.last, '3');
	t.deepEqual(past.totals, {
		delivered: 3,
		failed: 0,
		missing: 1,
		skipped: 0,
		frames: 8,
		bytes: 40,
		gaps: 3,
	});
	t.deepEqual(past.failures, [
		{ fragmentNumber: '2', code: null, name: 'MISSING', message: 'it never came' },
	]);
	t.deepEqual(past.open?.entries, [[1, 2, 3]]);
	t.deepEqual(past.open?.state, step(3).state);
	t.is(past.sink?.gaps.startMs, 3);
	t.false(past.isOver);
	await journal.end([]);
	await journal.leave();
	const { journal: again, past: over } = await ExportJournal.open(file, request);
	t.true(over.isOver);
	t.is(over.open, null);
	await again.remove();
});

test('another request starts over, and what was written is removed', async (t) => {
	const file = await written(t, 4);
	const part = join(dirname(file), PART);
	const { journal, past } = await ExportJournal.open(file, { ...request, gaps: 'close' });
	t.is(past.known.size, 0);
	t.false(existsSync(part));
	await journal.leave();
	t.is((await readFile(journalOf(file), 'utf8')).split('\n').length, 2);
});

test('a cut last line is ignored, and the next step is a line of its own', async (t) => {
	const whole = await readFile(journalOf(await written(t, 3)));
	const lines = whole.toString().split('\n');
	const lastStart = whole.length - Buffer.byteLength(`${lines.at(-2)}\n`);
	for (let length = lastStart; length < whole.length; length += 7) {
		const file = await written(t, 0);
		await writeFile(journalOf(file), whole.subarray(0, length));
		const { journal, past } = await ExportJournal.open(file, request);
		t.is(past.known.size, 2, `${length}`);
		await journal.step(step(2));
		await journal.leave();
		t.deepEqual(await readFile(journalOf(file)), whole, `${length}`);
	}
	const file = await written(t, 3);
	await truncate(journalOf(file), whole.length - 1);
	const { journal, past } = await ExportJournal.open(file, request);
	t.is(past.known.size, 2, 'only the line feed is missing');
	await journal.leave();
});

test('an unreadable journal starts over', async (t) => {
	for (const text of ['', '{"request":', 'nonsense\n', '{"request":null}\n{}\n']) {
		const file = await written(t, 0);
		await writeFile(journalOf(file), text);
		const { journal, past } = await ExportJournal.open(file, request);
		t.is(past.known.size, 0);
		await journal.leave();
	}
});

test('lines after a malformed line are ignored', async (t) => {
	const file = await written(t, 2);
	const whole = await readFile(journalOf(file));
	await appendFile(journalOf(file), `\0\t\0\0\n${JSON.stringify(step(2))}\n`);
	const { journal, past } = await ExportJournal.open(file, request);
	t.is(past.known.size, 2);
	await journal.leave();
	t.deepEqual(await readFile(journalOf(file)), whole);
});
