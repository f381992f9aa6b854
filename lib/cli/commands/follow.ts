import {
	type Container,
	type FollowEvent,
	FollowMetrics,
	type FollowOptions,
	InvalidOptionError,
} from '../../index.js';
import { type ArchiveCommandOptions, archiveOf, whereOf } from '../archive-options.js';
import type { Line } from '../colors.js';
import type { CommandContext } from '../command-context.js';
import { eventLine } from '../event-lines.js';
import { EXIT } from '../exit.js';
import type { MetricsCommandOptions } from '../metrics/metrics-options.js';
import { openMetrics } from '../metrics/open-metrics.js';
import { parsePointInTime } from '../point-in-time.js';
import { checkpointStoreOf } from './checkpoint-store.js';
import { record } from './record.js';

/** Options of `follow`. */
export interface FollowCommandOptions
	extends Omit<ArchiveCommandOptions, 'by' | 'to'>,
		MetricsCommandOptions {
	readonly until?: string;
	readonly checkpoint?: string;
	readonly consumer?: string;
	readonly live?: boolean;
	readonly where?: readonly string[];
	readonly output?: string;
	readonly split?: readonly string[];
	readonly container?: Container;
}

/**
 * Prints what comes into a stream, for ever. A fragment is done, and the checkpoint moves past it, when stdout has taken its
 * last line. With `-o` it records instead.
 */
export async function follow(options: FollowCommandOptions, context: CommandContext): Promise<number> {
	const { from = 'now', until, checkpoint, consumer, live = false, output, json } = options;
	const { terminal, signal, nowMs } = context;
	await using archive = archiveOf({ ...options, by: 'server' }, context);
	const metrics = options.metrics === undefined ? undefined : new FollowMetrics();
	const followOptions = {
		from: from === 'now' || from === 'earliest' ? from : parsePointInTime('--from', from, nowMs),
		until: until === undefined ? undefined : parsePointInTime('--until', until, nowMs),
		checkpoint: checkpoint === undefined ? undefined : await checkpointStoreOf(checkpoint, options),
		consumer,
		via: live ? 'live' : 'listing',
		where: whereOf(options),
		metrics,
		onUnreachable: ({ message }) => terminal.say(`${message}; retrying`),
		signal,
	} satisfies FollowOptions;
	await using _ = await openMetrics(options, metrics, terminal);
	if (output !== undefined) return await record(archive, output, { ...options, followOptions }, context);
	for (const [flag, value] of Object.entries({
		'--split': options.split,
		'--container': options.container,
	})) {
		if (value !== undefined) throw new InvalidOptionError(flag, 'given with -o only', String(value));
	}
	const stream = archive.follow(followOptions);
	let isEndSaid = json === true || followOptions.until === undefined;
	let isAnyGiven = false;
	for await (const events of stream.batches()) {
		if (json) await terminal.writeJson(events);
		else await terminal.write(events.map((event) => followLine(event, isAnyGiven)));
		isAnyGiven ||= events.some(({ type }) => type !== 'caught-up');
		if (isEndSaid || !events.some(({ type }) => type === 'caught-up')) continue;
		isEndSaid = true;
		const end = new Date(followOptions.until as Date).toISOString();
		terminal.say(`ends when a fragment after ${end} is listed, or 30 s after that time`);
	}
	const { isComplete } = await stream.summary;
	return isComplete ? EXIT.done : EXIT.incomplete;
}

function followLine(event: FollowEvent, isAnyGiven: boolean): Line {
	if (event.type !== 'caught-up') return eventLine(event);
	// A lag of 0 is that before the first fragment, or that of a service whose clock is fast.
	if (event.lagMs === 0 && !isAnyGiven) return 'caught up; no new fragment yet';
	return `caught up; the newest fragment began ${Math.round(event.lagMs)} ms ago`;
}
