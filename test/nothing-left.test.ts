/* However a run ends, no connection, no timer and no listener is left. */
import { getEventListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { KvsArchive } from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { activeResources, settledResources } from './helpers/active-resources.js';
import { recording } from './helpers/media/payload.js';
import { between, startMs } from './helpers/media/range.js';
import { startArchive } from './helpers/service/archive.js';
import { unlimited } from './helpers/service/unlimited.js';
import { StandstillClock } from './helpers/standstill-clock.js';
import { temporaryDirectory } from './helpers/tools.js';
import { until } from './helpers/wait.js';

const FRAGMENTS = 100;
const range = between(0, FRAGMENTS * 2000);
const media = recording(FRAGMENTS);

interface RunOptions {
	readonly signal: AbortSignal;
	/** A directory to write to. */
	readonly directory: string;
	/** Called with every item that comes; true leaves the loop. */
	readonly onItem: () => boolean;
}

type Run = (archive: KvsArchive, options: RunOptions) => Promise<unknown>;

async function read(items: AsyncIterable<unknown>, onItem: () => boolean): Promise<void> {
	for await (const _ of items) if (onItem()) break;
}

const runs: Readonly<Record<string, Run>> = {
	events: (archive, { signal, onItem }) => read(archive.events(range, { signal }), onItem),
	'events, in batches': (archive, { signal, onItem }) =>
		read(archive.events(range, { signal }).batches(), onItem),
	'events, as they arrive': (archive, { signal, onItem }) =>
		read(archive.events(range, { signal, order: 'arrival' }), onItem),
	frames: (archive, { signal, onItem }) => read(archive.frames(range, { signal }), onItem),
	fragments: (archive, { signal, onItem }) =>
		read(archive.fragments(range, { signal, pageSize: 50 }), onItem),
	timeline: (archive, { signal, onItem }) => read(archive.timeline(range, { signal }), onItem),
	export: (archive, { signal, directory }) => archive.export(range, join(directory, 'out.mkv'), { signal }),
};

interface Ending {
	readonly faults?: readonly FaultRule[];
	/** When the signal is aborted. */
	readonly abort?: 'before' | 'at the first item' | 'when all stands still';
	readonly leavesAtItem?: number;
	readonly error?: object;
	/** Runs that end otherwise. */
	readonly not?: readonly string[];
}

const reason = new Error('enough');
const stalledMedia: FaultRule[] = [
	{ fault: 'stall', operation: 'GetMediaForFragmentList', atFraction: 0.3, nth: 1 },
	{ fault: 'stall', operation: 'GetMediaForFragmentList', atByte: 0, nth: 2 },
	{ fault: 'no-response', operation: 'GetMediaForFragmentList', nth: 3 },
];

const endings: Readonly<Record<string, Ending>> = {
	'read to its end': {},
	'left at the first item': { leavesAtItem: 1, not: ['export'] },
	'left at the first item, with connections that stand still': {
		faults: stalledMedia,
		leavesAtItem: 1,
		// Nothing comes of a timeline before it has read a header.
		not: ['timeline', 'export'],
	},
	'aborted before it begins': { abort: 'before' },
	'aborted at the first item': { abort: 'at the first item', not: ['export'] },
	'aborted when its media stands still': {
		faults: [{ fault: 'stall', operation: 'GetMediaForFragmentList', atByte: 100 }],
		abort: 'when all stands still',
		not: ['fragments'],
	},
	'aborted when its media gets no response': {
		faults: [{ fault: 'no-response', operation: 'GetMediaForFragmentList' }],
		abort: 'when all stands still',
		not: ['fragments'],
	},
	'aborted when its listing stands still': {
		faults: [{ fault: 'stall', operation: 'ListFragments', atByte: 10 }],
		abort: 'when all stands still',
	},
	'aborted when the data endpoint gets no response': {
		faults: [{ fault: 'no-response', operation: 'GetDataEndpoint' }],
		abort: 'when all stands still',
	},
	'failed at its listing': {
		faults: [{ fault: 'server-error', operation: 'ListFragments' }],
		error: { code: 'KVS_REQUEST_FAILED' },
	},
	'failed at its media': {
		faults: [{ fault: 'reset', operation: 'GetMediaForFragmentList' }],
		error: { code: 'KVS_UNREACHABLE' },
		not: ['fragments', 'timeline'],
	},
};

async function assertNothingLeft(t: ExecutionContext, run: Run, ending: Ending): Promise<void> {
	const { faults = [], abort, leavesAtItem, error } = ending;
	const controller = new AbortController();
	const { signal } = controller;
	const clock = new StandstillClock(startMs);
	const open = new Set<number>();
	const abortSoon = async (): Promise<void> => {
		for (let turn = 0; turn < 50; turn++) await setImmediate();
		controller.abort(reason);
	};
	const { server, endpoint } = await startArchive(
		t,
		{ door: media },
		{
			faults,
			onRequest: ({ id, faults: made }) => {
				open.add(id);
				if (abort === 'when all stands still' && made.length > 0) void abortSoon();
			},
			onResponseEnd: ({ request }) => open.delete(request.id),
		},
	);
	const directory = await temporaryDirectory(t);
	const before = await settledResources();
	const archive = new KvsArchive({ streamName: 'door', endpoint, limiter: unlimited, clock });
	if (abort === 'before') controller.abort(reason);
	let items = 0;
	const onItem = (): boolean => {
		if (abort === 'at the first item') controller.abort(reason);
		return ++items === leavesAtItem;
	};
	const outcome = await run(archive, { signal, directory, onItem }).then(
		() => null,
		(thrown: unknown) => thrown as Error,
	);
	if (abort !== undefined) t.is(outcome, reason);
	else if (error !== undefined) t.like(outcome, error);
	else t.is(outcome, null);

	await until(
		() => getEventListeners(signal, 'abort').length === 0,
		() => 'a listener is left',
	);
	if (outcome !== null) t.deepEqual(await readdir(directory), []);
	// The question for a data endpoint is shared by all runs, and ends with the archive.
	const isOver = (): boolean => open.size === 0;
	const isShared = faults.some(({ operation }) => operation === 'GetDataEndpoint');
	const noWaits = (): Promise<void> =>
		until(
			() => clock.pending === 0,
			() => `${clock.pending} waits go on`,
		);
	if (!isShared) {
		await until(isOver, () => `${open.size} responses are under way`);
		await noWaits();
	}
	await archive.close();
	const connections = (): Promise<number> =>
		new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
	let connected = 0;
	await until(
		async () => {
			connected = await connections();
			return connected === 0;
		},
		() => `${connected} connections are open`,
	);
	await noWaits();
	await until(
		() => activeResources() === before,
		() => `${activeResources()} in place of ${before}`,
	);
}

for (const [said, ending] of Object.entries(endings)) {
	for (const [name, run] of Object.entries(runs)) {
		if (ending.not?.includes(name)) continue;
		// One after the other: what keeps the process alive is counted.
		test.serial(`${name}: ${said}`, (t) => assertNothingLeft(t, run, ending));
	}
}
