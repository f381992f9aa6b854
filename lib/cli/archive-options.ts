import { InvalidOptionError, KvsArchive, type KvsArchiveOptions, type RangeClock } from '../index.js';
import { createRedisLimiter, type RedisLimiter } from '../redis/index.js';
import { underName } from '../wording/option-name.js';
import type { CommandContext } from './command-context.js';
import { parseDuration } from './duration.js';
import { parsePointInTime } from './point-in-time.js';

/** Options of every command that reads a stream. */
export interface ArchiveCommandOptions {
	readonly stream?: string;
	readonly streamArn?: string;
	readonly from?: string;
	readonly to?: string;
	readonly by: RangeClock;
	readonly endpoint?: string;
	readonly region?: string;
	readonly profile?: string;
	readonly redis?: string;
	readonly json?: boolean;
}

/** An archive of a command, which ends with the limiter that was made for it. */
class CommandArchive extends KvsArchive {
	readonly #limiter: RedisLimiter | undefined;

	constructor(options: Omit<KvsArchiveOptions, 'limiter'>, limiter: RedisLimiter | undefined) {
		super({ ...options, limiter });
		this.#limiter = limiter;
	}

	override async close(): Promise<void> {
		await super.close();
		await this.#limiter?.close();
	}
}

/** The archive that the options name. Throws `InvalidOptionError` unless exactly one stream is given. */
export function archiveOf(
	options: ArchiveCommandOptions,
	{ terminal }: Pick<CommandContext, 'terminal'>,
): KvsArchive {
	checkOneStream(options);
	const { redis, region, profile, endpoint, streamArn, stream: streamName } = options;
	const onUnreachable = ({ message }: Error): void => terminal.say(message);
	return new CommandArchive(
		{ streamName, streamArn, endpoint, region, profile },
		redis === undefined
			? undefined
			: underName('url', '--redis', () => createRedisLimiter({ url: redis, onUnreachable })),
	);
}

/** Throws `InvalidOptionError` unless exactly one stream is given. */
function checkOneStream({ stream, streamArn }: { stream?: string; streamArn?: string }): void {
	if (stream === undefined && streamArn === undefined)
		throw new InvalidOptionError('--stream', 'given, or --stream-arn');
	if (stream !== undefined && streamArn !== undefined)
		throw new InvalidOptionError('--stream', 'left out where --stream-arn is given', stream);
}

/** A range as the command line gives it. */
export interface DateRange {
	readonly from: Date;
	readonly to: Date;
	readonly by: RangeClock;
}

/** The options that name the time around a moment, in place of `--from` and `--to`. */
export interface AroundCommandOptions {
	readonly around?: string;
	readonly before?: string;
	readonly after?: string;
	readonly wait?: string;
}

/** The range around the moment that the options name, once it is stored; or else the one that `--from` and `--to` name. */
export async function rangeOrAround(
	archive: KvsArchive,
	options: ArchiveCommandOptions & AroundCommandOptions,
	{ nowMs, signal, terminal }: CommandContext,
): Promise<DateRange> {
	const { around, before, after, wait, by } = options;
	if (around === undefined) {
		for (const [flag, value] of Object.entries({ '--before': before, '--after': after, '--wait': wait })) {
			if (value !== undefined) throw new InvalidOptionError(flag, 'given with --around only', value);
		}
		return rangeOf(options, nowMs);
	}
	for (const [flag, value] of Object.entries({ '--from': options.from, '--to': options.to })) {
		if (value !== undefined) throw new InvalidOptionError(flag, 'left out with --around', value);
	}
	const range = await archive.around(parsePointInTime('--around', around, nowMs), {
		beforeMs: durationOf('--before', before ?? '5s'),
		afterMs: durationOf('--after', after ?? '10s'),
		timeoutMs: durationOf('--wait', wait ?? '60s'),
		by,
		signal,
	});
	if (!range.isComplete) {
		terminal.say(
			`no fragment after ${range.to.toISOString()} was listed within the time of --wait: the range may be incomplete`,
		);
	}
	return range;
}

function durationOf(flag: string, text: string): number {
	const ms = parseDuration(text);
	if (ms === null) throw new InvalidOptionError(flag, 'a length of time such as 5s', text);
	return ms;
}

/** The range that the options name. Throws `InvalidOptionError` for one that makes no sense. */
export function rangeOf({ from, to, by }: ArchiveCommandOptions, nowMs: number): DateRange {
	if (from === undefined) throw new InvalidOptionError('--from', 'given');
	const range = {
		from: parsePointInTime('--from', from, nowMs),
		to: parsePointInTime('--to', to ?? 'now', nowMs),
		by,
	};
	if (range.to < range.from)
		throw new InvalidOptionError('--to', `at or after --from (${range.from.toISOString()})`, range.to);
	return range;
}

/** Reads a tag as the command line gives it, `NAME=VALUE`. Throws `InvalidOptionError` with the name of the flag. */
export function parseTag(flag: string, text: string): [name: string, value: string] {
	const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
	if (name === undefined || value === undefined) throw new InvalidOptionError(flag, 'NAME=VALUE', text);
	return [name, value];
}

/** The tags that `--where` names, all of which a fragment must carry; undefined without it. Throws `InvalidOptionError`. */
export function whereOf({
	where = [],
}: {
	readonly where?: readonly string[] | undefined;
}): Readonly<Record<string, string>> | undefined {
	const tags = new Map<string, string>();
	for (const text of where) {
		const [name, value] = parseTag('--where', text);
		if ((tags.get(name) ?? value) !== value) {
			throw new InvalidOptionError('--where', 'given with one value for each name', text);
		}
		tags.set(name, value);
	}
	return tags.size === 0 ? undefined : Object.fromEntries(tags);
}
