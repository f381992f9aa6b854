import type { StoredFragment } from '../store/stored-fragment.js';
import { type ActiveFaultRule, rulesOf } from './active-fault-rule.js';
import type { AppliedFault, RuleOf } from './fault-rule.js';

/** A page of a listing, as the archive has it. */
export interface ListedPage {
	readonly fragments: readonly StoredFragment[];
	readonly nextToken: string | null;
	/** The token that gives this very page. */
	readonly ownToken: () => string;
}

/** A page of a listing after the rules that fired are applied, and which of them changed it. */
export interface FaultedListing {
	readonly fragments: readonly StoredFragment[];
	readonly nextToken: string | null;
	readonly applied: readonly AppliedFault[];
}

/** Applies the rules about listings. `nowMs` is the archive's clock, epoch milliseconds. */
export function faultListing(
	page: ListedPage,
	fired: readonly ActiveFaultRule[],
	nowMs: number,
): FaultedListing {
	const [emptied] = rulesOf(fired, 'empty-page');
	if (emptied !== undefined) {
		return { fragments: [], nextToken: page.ownToken(), applied: [emptied.applied] };
	}
	const applied: AppliedFault[] = [];
	let { fragments } = page;
	for (const active of rulesOf(fired, 'late-listing')) {
		const listed = fragments.filter((fragment) => isListed(fragment, active, nowMs));
		if (listed.length < fragments.length) applied.push(active.applied);
		fragments = listed;
	}
	return { fragments, nextToken: page.nextToken, applied };
}

function isListed(
	{ number, serverMs }: StoredFragment,
	active: ActiveFaultRule<RuleOf<'late-listing'>>,
	nowMs: number,
): boolean {
	const { rule } = active;
	if (!active.isAbout(number, rule.share)) return true;
	return 'delayMs' in rule
		? serverMs + rule.delayMs <= nowMs
		: active.countOf(number) + 1 >= rule.fromListing;
}
