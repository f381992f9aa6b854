import type { PutMediaTimes } from '../aws/put-media-signer.js';
import { InvalidOptionError } from '../errors.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';

/** Options of `KvsArchive.putMedia`. */
export interface PutMediaOptions {
	/**
	 * What the media's timecodes are: times since 1970 (`absolute`), or counted from `producerStart` (`relative`).
	 * @default 'relative' where `producerStart` is given, else 'absolute'
	 */
	readonly timecodes?: 'absolute' | 'relative' | undefined;
	/** Start on the producer's clock, for relative timecodes. @default now */
	readonly producerStart?: Instant | undefined;
	/** Closes the connection at once. */
	readonly signal?: AbortSignal | undefined;
}

const names: OptionNames<PutMediaOptions> = { timecodes: true, producerStart: true, signal: true };

/** Checks options and fills in what is not given. Throws {@link InvalidOptionError}. */
export function resolvePutMediaTimes(options: PutMediaOptions, nowMs: number): PutMediaTimes {
	checkOptionNames(options, names);
	const { producerStart, timecodes = producerStart === undefined ? 'absolute' : 'relative' } = options;
	if (timecodes !== 'absolute' && timecodes !== 'relative') {
		throw new InvalidOptionError('timecodes', "'absolute' or 'relative'", timecodes);
	}
	if (producerStart === undefined) return { timecodes, producerStartMs: nowMs };
	if (timecodes === 'absolute') {
		throw new InvalidOptionError('producerStart', 'left out with absolute timecodes', producerStart);
	}
	return { timecodes, producerStartMs: resolveInstant('producerStart', producerStart) };
}
