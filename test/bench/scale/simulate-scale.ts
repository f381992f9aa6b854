/*
 * npm run simulate:scale [-- --interval 10 --mbps 2 --fragment 2 --seed 1]: cameras that are followed by workers, on a virtual clock: what 1, 100 and 10,000
 * of them take in workers, Redis, calls and money. The limiter, the batches, the retries and the service's quotas are those of lib/; the rest
 * is a model, whose figures stand in scale/costs.ts and scale/prices.ts. Every run with the same options prints the same.
 */
import { parseArgs } from 'node:util';
import { PLANNED_LOAD, PROCESSOR, WORKER } from './costs.js';
import { type FollowOutcome, type FollowPlan, simulateFollow } from './follow-run.js';
import { monthlyCost } from './monthly-cost.js';
import { simulateSlices } from './slices-run.js';

// Each wait of the limiter that is over makes an error, of which nothing is read.
Error.stackTraceLimit = 0;

const { values } = parseArgs({
	options: {
		interval: { type: 'string', default: '10' },
		mbps: { type: 'string', default: '2' },
		fragment: { type: 'string', default: '2' },
		seed: { type: 'string', default: '1' },
	},
});
const intervalMs = Number(values.interval) * 1000;
const fragmentMs = Number(values.fragment) * 1000;
const bytesPerSecond = (Number(values.mbps) * 1e6) / 8;

/** What is simulated, from one camera to ten thousand. */
const ROWS = [
	{ streams: 1, queues: 1 },
	{ streams: 100, queues: 1 },
	{ streams: 1000, queues: 1 },
	{ streams: 10_000, queues: 100 },
] as const;

function say(line = ''): void {
	process.stdout.write(`${line}\n`);
}

/** Workers whose processors do that much with room for what comes at once; as many for each queue. */
function workersFor(streams: number, queues: number): number {
	const fragments = intervalMs / fragmentMs;
	const mb = (bytesPerSecond * intervalMs) / 1e9;
	// One listing, and one request for media.
	const jobMs =
		2 * PROCESSOR.callMs + fragments * PROCESSOR.fragmentMs + mb * PROCESSOR.mbMs * PROCESSOR.tlsFactor;
	const workers = (streams * jobMs) / intervalMs / PLANNED_LOAD;
	return queues * Math.max(1, Math.ceil(workers / queues));
}

function perSecond(count: number, { seconds }: FollowOutcome): string {
	const value = count / seconds;
	return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));
}

say(
	`${values.mbps} Mbit/s a camera, a fragment every ${fragmentMs / 1000} s; workers of ${WORKER.vcpus} virtual core and ${WORKER.memoryGb} GB,`,
);
say(`each with up to ${WORKER.jobsAtOnce} jobs at once`);
say();
const heads = [
	'cameras',
	'queues',
	'a job every',
	'workers',
	'load',
	'fragments/s',
	'MB/s',
	'ListFragments/s',
	'GetMediaForFragmentList/s',
	'throttled/s',
	'Redis/s',
	'lag: median, 99 %',
	'late',
];
say(`| ${heads.join(' | ')} |`);
say(`|${'---|'.repeat(heads.length)}`);
const results: { streams: number; workers: number; outcome: FollowOutcome }[] = [];
for (const { streams, queues } of ROWS) {
	const workers = workersFor(streams, queues);
	const plan: FollowPlan = {
		streams,
		queues,
		workers,
		intervalMs,
		cameras: { fragmentMs, bytesPerSecond },
		isLimited: true,
		seed: Number(values.seed),
	};
	const outcome = await simulateFollow(plan);
	const { calls, lagsMs, load, lateShare } = outcome;
	const lagAt = (share: number): string =>
		`${((lagsMs[Math.floor((lagsMs.length - 1) * share)] ?? 0) / 1000).toFixed(1)} s`;
	const counts = [
		outcome.fragments,
		outcome.bytes / 1e6,
		calls.ListFragments,
		calls.GetMediaForFragmentList,
		outcome.throttled,
		outcome.redisOperations,
	].map((count) => perSecond(count, outcome));
	const cells = [
		streams.toLocaleString('en'),
		queues,
		`${intervalMs / 1000} s`,
		workers,
		`${Math.round(load * 100)} %`,
		...counts,
		`${lagAt(0.5)}, ${lagAt(0.99)}`,
		`${Math.round(lateShare * 100)} %`,
	];
	say(`| ${cells.join(' | ')} |`);
	if (lateShare < 0.01) results.push({ streams, workers, outcome });
}
say();
const money = [
	'cameras',
	'Fargate',
	'Lambda instead',
	'Valkey, two nodes',
	'reading',
	'ingest and a day kept',
];
say('Dollars a month in us-east-1:');
say();
say(`| ${money.join(' | ')} |`);
say(`|${'---|'.repeat(money.length)}`);
for (const { streams, workers, outcome } of results) {
	const cost = monthlyCost({ streams, workers, outcome, intervalMs, bytesPerSecond });
	const cells = Object.values(cost).map((dollars) => Math.round(dollars).toLocaleString('en'));
	say(`| ${[streams.toLocaleString('en'), ...cells].join(' | ')} |`);
}

const DAY_MS = 86_400_000;
const SLICE_MS = 600_000;
const sliced = [
	'workers',
	'slices',
	'load',
	'time',
	'MB/s',
	'GetMediaForFragmentList/s',
	'throttled',
	'Redis/s',
];
say();
say('A day of one camera, exported in slices of 10 minutes, one at a time each worker:');
say();
say(`| ${sliced.join(' | ')} |`);
say(`|${'---|'.repeat(sliced.length)}`);
for (const workers of [1, 2, 4, 8]) {
	const outcome = await simulateSlices({
		cameras: { fragmentMs, bytesPerSecond },
		rangeMs: DAY_MS,
		sliceMs: SLICE_MS,
		workers,
		seed: Number(values.seed),
	});
	const { slices, load, seconds, bytes, calls, throttled, redisOperations } = outcome;
	const rate = (count: number): string => (count / seconds).toPrecision(2);
	const cells = [
		workers,
		slices,
		`${Math.round(load * 100)} %`,
		`${Math.round(seconds)} s`,
		(bytes / 1e6 / seconds).toFixed(0),
		rate(calls.GetMediaForFragmentList),
		throttled,
		rate(redisOperations),
	];
	say(`| ${cells.join(' | ')} |`);
}
