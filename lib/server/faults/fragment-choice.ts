import type { BodyPart } from '../store/body-part.js';
import type { ActiveFaultRule } from './active-fault-rule.js';
import type { FaultRule, FragmentChoice } from './fault-rule.js';

/**
 * Index in `parts` of the fragment a rule means: the one of its `fragmentNumber`, else the one its `choice` names. Null
 * where there is none.
 */
export function chosenPart(
	parts: readonly BodyPart[],
	{ rule, random }: ActiveFaultRule<FaultRule>,
	choice: FragmentChoice,
): number | null {
	const indexes = [...parts.keys()].filter((index) => parts[index]?.kind === 'fragment');
	if (rule.fragmentNumber !== undefined) {
		return indexes.find((index) => numberOf(parts[index]) === rule.fragmentNumber) ?? null;
	}
	if (choice === 'random') return indexes[random.nextInteger(indexes.length)] ?? null;
	const last = indexes.at(-1) ?? null;
	return choice === 'last' ? last : (indexes[choice - 1] ?? last);
}

function numberOf(part: BodyPart | undefined): string | null {
	return part?.kind === 'fragment' ? part.fragment.number : null;
}
