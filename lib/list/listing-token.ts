import { InvalidOptionError } from '../errors.js';
import { compareFragmentNumbers, type Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';

/** How far a listing has come: everything up to and with this fragment was given out. */
export interface ListingPosition {
	readonly range: ResolvedTimeRange;
	readonly afterMs: number;
	readonly afterNumber: string;
}

/** Marks the form of a token, so that a later form can be recognized. */
const VERSION = 1;

/** A listing's position as text. It holds all that is needed to go on, in another process too. */
export function toListingToken({ range, afterMs, afterNumber }: ListingPosition): string {
	const fields = [VERSION, range.fromMs, range.toMs, range.by, afterMs, afterNumber];
	return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/** Reads a token of {@link toListingToken}. Throws {@link InvalidOptionError} for any other text. */
export function readListingToken(token: string): ListingPosition {
	const [version, fromMs, toMs, by, afterMs, afterNumber] = parse(token);
	if (
		version !== VERSION ||
		![fromMs, toMs, afterMs].every((ms) => Number.isSafeInteger(ms) && (ms as number) >= 0) ||
		(by !== 'server' && by !== 'producer') ||
		typeof afterNumber !== 'string' ||
		!/^[0-9]{1,128}$/.test(afterNumber)
	) {
		throw new InvalidOptionError('startingToken', 'the token that an earlier listing ended with', token);
	}
	return {
		range: { fromMs: fromMs as number, toMs: toMs as number, by },
		afterMs: afterMs as number,
		afterNumber,
	};
}

/** Whether a fragment was given out before the position was taken. */
export function isBefore(fragment: Fragment, position: ListingPosition): boolean {
	const ms = startMs(fragment, position.range.by);
	return (
		ms < position.afterMs ||
		(ms === position.afterMs && compareFragmentNumbers(fragment.fragmentNumber, position.afterNumber) <= 0)
	);
}

function parse(token: string): unknown[] {
	try {
		const fields: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
		return Array.isArray(fields) ? fields : [];
	} catch {
		// No JSON: no token of ours, which is said by the caller of this.
		return [];
	}
}
