import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
	type FollowManyOptions,
	type FollowWork,
	type JobStream,
	listStreams,
	pathFrom,
} from '../../../bullmq/index.js';
import { type Container, InvalidOptionError } from '../../../index.js';
import { counted } from '../../../wording/counted.js';
import { whereOf } from '../../archive-options.js';
import type { CommandContext } from '../../command-context.js';
import { parseDuration } from '../../duration.js';
import { EXIT } from '../../exit.js';
import { parsePointInTime } from '../../point-in-time.js';
import { splitRules } from '../export.js';
import { handlerOptionsOf } from './handler-options.js';
import { type JobOutputOptions, jobOutputOf } from './job-output.js';
import { openQueue } from './open-queue.js';

/** Options of `submit follow`. */
export interface SubmitFollowOptions extends JobOutputOptions {
	readonly redis: string;
	readonly queue?: string;
	readonly streams?: string;
	readonly allStreams?: true;
	readonly remove?: string;
	readonly endpoint?: string;
	readonly region?: string;
	readonly profile?: string;
	readonly every: string;
	readonly from: string;
	readonly consumer?: string;
	readonly where?: readonly string[];
	readonly container?: Container;
	readonly split?: readonly string[];
	readonly handlers: string;
	readonly options?: string;
	readonly wait?: true;
	readonly json?: true;
}

/** How often `--wait` looks whether everything is in the queue, and for streams that came or went, in milliseconds. */
const LOOK_MS = 60_000;

/** Has streams followed by workers, or ends that. */
export async function submitFollow(
	module: string | undefined,
	options: SubmitFollowOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const { consumer, json } = options;
	const [given, other] = Object.entries({
		'--streams': options.streams,
		'--all-streams': options.allStreams,
		'--remove': options.remove,
	}).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
	if (given === undefined) throw new InvalidOptionError('--streams', 'given, or --all-streams or --remove');
	if (other !== undefined) throw new InvalidOptionError(given, 'given alone', `${given} ${other}`);
	const follow = options.remove === undefined ? followOptionsOf(module, options, nowMs) : null;
	await using queue = openQueue(options, terminal);
	if (follow === null) {
		const removed = await queue.unfollow({
			streams: streamsOf(options.remove ?? '', options),
			consumer,
			signal,
		});
		if (json) await terminal.writeJson([{ type: 'follow', added: 0, removed }]);
		else terminal.say(`no longer followed: ${counted(removed, 'stream')}`);
		return EXIT.done;
	}
	const { endpoint, region, profile } = options;
	for (let isFirst = true; ; isFirst = false) {
		const streams = await (options.streams === undefined
			? listStreams({ endpoint, region, profile, signal })
			: streamsOf(options.streams, options));
		const change = await queue.follow({ ...follow, streams, isAll: options.allStreams, signal });
		if (isFirst || change.added + change.removed > 0) {
			if (json) await terminal.writeJson([{ type: 'follow', streams: streams.length, ...change }]);
			else
				terminal.say(`streams followed: ${streams.length}, ${change.added} added, ${change.removed} removed`);
		}
		if (options.wait === undefined) return EXIT.done;
		await sleep(LOOK_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
	}
}

function followOptionsOf(
	module: string | undefined,
	options: SubmitFollowOptions,
	nowMs: number,
): Omit<FollowManyOptions, 'streams'> {
	const { output, from, consumer, container, split } = options;
	if (module === undefined && output === undefined) throw new InvalidOptionError('module', 'given, or -o');
	if (module !== undefined && output !== undefined)
		throw new InvalidOptionError('module', 'left out where -o is given', module);
	if (module === undefined && options.options !== undefined)
		throw new InvalidOptionError('--options', 'given with a module only', options.options);
	const everyMs = parseDuration(options.every);
	if (everyMs === null)
		throw new InvalidOptionError('--every', 'a length of time such as 10s', options.every);
	for (const [flag, value] of Object.entries({ '--container': container, '--split': split?.join(',') })) {
		if (value === undefined || output !== undefined) continue;
		throw new InvalidOptionError(flag, 'given with -o only', value);
	}
	const work: FollowWork =
		module === undefined
			? {
					kind: 'record',
					container,
					...(split === undefined ? {} : { split: splitRules(split) }),
				}
			: {
					kind: 'handler',
					module: pathFrom('module', resolve(options.handlers), resolve(module)),
					options: handlerOptionsOf(options.options),
				};
	return {
		work,
		everyMs: Math.ceil(everyMs),
		from: from === 'now' || from === 'earliest' ? from : parsePointInTime('--from', from, nowMs),
		consumer,
		where: whereOf(options),
		output: jobOutputOf(options),
	};
}

function streamsOf(list: string, { endpoint, region }: SubmitFollowOptions): JobStream[] {
	return list.split(',').map((streamName) => ({ streamName, endpoint, region }));
}
