import { InvalidOptionError } from '../errors.js';
import type { FragmentEvent } from '../model/media-event.js';

/**
 * Which fragments are wanted: those that carry every one of these tags (its name, and its value as text), or those for which
 * the function returns true. It sees the event that the fragment begins with, with all of its tags.
 */
export type Where = Readonly<Record<string, string>> | ((fragment: FragmentEvent) => boolean);

/** `unknown`: of a fragment that was cut, whose tags may be incomplete. */
export type Verdict = 'wanted' | 'unwanted' | 'unknown';

const EXPECTED = 'an object of tag names and string values, or a function';

/**
 * Checks what is wanted. Throws {@link InvalidOptionError}; also where only the newest of duplicates are wanted: a listing
 * tells them, before their tags are known, and one that is not wanted would take the place of one that is.
 */
export function checkWhere({
	where,
	duplicates,
}: {
	readonly where?: Where | undefined;
	readonly duplicates?: string | undefined;
}): void {
	if (where === undefined) return;
	if (duplicates === 'keep-newest') {
		throw new InvalidOptionError('duplicates', '`keep-all` with `where`', duplicates);
	}
	if (typeof where === 'function') return;
	if (typeof where !== 'object' || where === null || Array.isArray(where)) {
		throw new InvalidOptionError('where', EXPECTED, where);
	}
	for (const [name, value] of Object.entries(where)) {
		if (name === '') throw new InvalidOptionError('where', 'tags that have names', name);
		if (typeof value !== 'string') throw new InvalidOptionError(`where.${name}`, 'a string', value);
	}
}

/**
 * Whether a fragment is wanted. Of one that was cut, tags that came after its Cluster may be missing: it is unwanted only
 * where it carries a tag of that name with another value.
 */
export function judge(where: Where, fragment: FragmentEvent, { isWhole }: { isWhole: boolean }): Verdict {
	const unless = isWhole ? 'unwanted' : 'unknown';
	if (typeof where === 'function') {
		const isWanted: unknown = where(fragment);
		if (typeof isWanted === 'boolean') return isWanted ? 'wanted' : unless;
		throw new InvalidOptionError('where', 'a function that returns true or false', isWanted);
	}
	const unmet = Object.entries(where).filter(
		([name, value]) => !fragment.tags.some((tag) => tag.name === name && tag.value === value),
	);
	if (unmet.length === 0) return 'wanted';
	const isOther = unmet.some(([name]) => fragment.tags.some((tag) => tag.name === name));
	return isOther ? 'unwanted' : unless;
}
