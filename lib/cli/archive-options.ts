import { InvalidOptionError, KvsArchive, type RangeClock } from '../index.js';
import { parsePointInTime } from './point-in-time.js';

/** Options of every command that reads a stream. */
export interface ArchiveCommandOptions {
	readonly stream?: string;
	readonly streamArn?: string;
	readonly from?: string;
	readonly to?: string;
	readonly by: string;
	readonly endpoint?: string;
	readonly region?: string;
	readonly profile?: string;
	readonly json?: boolean;
}

/** The archive that the options name. Throws `InvalidOptionError` unless exactly one stream is given. */
export function archiveOf(options: ArchiveCommandOptions): KvsArchive {
	if ((options.stream === undefined) === (options.streamArn === undefined)) {
		throw new InvalidOptionError('--stream', 'given, or --stream-arn, and not both', options.stream);
	}
	return new KvsArchive({
		streamName: options.stream,
		streamArn: options.streamArn,
		endpoint: options.endpoint,
		region: options.region,
		profile: options.profile,
	});
}

/** A range as the command line gives it. */
export interface DateRange {
	readonly from: Date;
	readonly to: Date;
	readonly by: RangeClock;
}

/** The range that the options name. Throws `InvalidOptionError` for one that makes no sense. */
export function rangeOf({ from, to, by }: ArchiveCommandOptions, nowMs: number): DateRange {
	if (from === undefined) throw new InvalidOptionError('--from', 'given', from);
	if (by !== 'server' && by !== 'producer')
		throw new InvalidOptionError('--by', '`server` or `producer`', by);
	const range = {
		from: parsePointInTime('--from', from, nowMs),
		to: parsePointInTime('--to', to ?? 'now', nowMs),
		by: by as RangeClock,
	};
	if (range.to < range.from)
		throw new InvalidOptionError('--to', `at or after --from (${range.from.toISOString()})`, range.to);
	return range;
}
