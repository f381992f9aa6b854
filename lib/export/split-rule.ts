import { InvalidOptionError } from '../errors.js';

/**
 * When an export goes on in a new file, besides where it must: where the codec parameters change. `gap`: wherever two
 * fragments do not meet. A length of time or a size in bytes: before the fragment with which a file would exceed it.
 */
export type SplitRule = 'gap' | 'codec' | { readonly everyMs: number } | { readonly maxBytes: number };

/** Checks rules. Throws {@link InvalidOptionError}. */
export function checkSplitRules(rules: readonly SplitRule[]): void {
	for (const rule of rules) {
		const limit = typeof rule === 'object' && rule !== null ? Object.values(rule)[0] : 1;
		const isKnown =
			rule === 'gap' ||
			rule === 'codec' ||
			(typeof rule === 'object' && rule !== null && ('everyMs' in rule || 'maxBytes' in rule));
		if (!isKnown || typeof limit !== 'number' || !(limit > 0) || !Number.isFinite(limit)) {
			throw new InvalidOptionError('split', "'gap', 'codec', { everyMs } or { maxBytes }, above 0", rule);
		}
	}
}
