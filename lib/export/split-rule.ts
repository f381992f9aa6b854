import { InvalidOptionError } from '../errors.js';
import type { FragmentEvent } from '../model/media-event.js';
import { toBase64 } from '../model/tag.js';

/**
 * When an export goes on in a new file, besides where it must: where the codec parameters change. `gap`: wherever two
 * fragments do not meet. A length of time or a size in bytes: before the fragment with which a file would exceed it. A tag:
 * where its value changes, fragments without it apart.
 */
export type SplitRule =
	| 'gap'
	| 'codec'
	| { readonly everyMs: number }
	| { readonly maxBytes: number }
	| { readonly tag: string };

/** The tag that all fragments of a file have in common. */
export interface FileTag {
	readonly name: string;
	/** Of its first tag of that name, bytes in base64; null where they have none. */
	readonly value: string | null;
}

const EXPECTED = "'gap', 'codec', { everyMs } or { maxBytes } above 0, or one { tag } with a name";

/** Checks rules. Throws {@link InvalidOptionError}. */
export function checkSplitRules(rules: readonly SplitRule[]): void {
	const invalid = rules.find(
		(rule, index) => !isRule(rule) || (isTag(rule) && rules.findIndex(isTag) < index),
	);
	if (invalid !== undefined) throw new InvalidOptionError('split', EXPECTED, invalid);
}

/** The name of the tag by which files are split; null where they are not. */
export function splitTagOf(rules: readonly SplitRule[]): string | null {
	return rules.find(isTag)?.tag ?? null;
}

/** What a fragment has of a tag. */
export function fileTagOf(name: string, fragment: FragmentEvent): FileTag {
	const value = fragment.tag(name);
	return { name, value: value instanceof Uint8Array ? toBase64(value) : value };
}

function isRule(rule: unknown): boolean {
	if (rule === 'gap' || rule === 'codec') return true;
	if (typeof rule !== 'object' || rule === null) return false;
	const [[kind, limit] = [], ...more] = Object.entries(rule);
	if (more.length > 0) return false;
	if (kind === 'tag') return typeof limit === 'string' && limit !== '';
	const isLimit = typeof limit === 'number' && limit > 0 && Number.isFinite(limit);
	return isLimit && (kind === 'everyMs' || kind === 'maxBytes');
}

function isTag(rule: SplitRule): rule is { readonly tag: string } {
	return typeof rule === 'object' && 'tag' in rule;
}
