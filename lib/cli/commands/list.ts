import type { Fragment } from '../../index.js';
import { RANGE_ADVICE } from '../../wording/advice.js';
import { counted } from '../../wording/counted.js';
import { type ArchiveCommandOptions, archiveOf, rangeOf } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { integerOption } from '../integer-option.js';

/** Options of `list`. */
export interface ListOptions extends ArchiveCommandOptions {
	readonly maxItems?: string;
	readonly pageSize?: string;
	readonly startingToken?: string;
}

/** Lists the fragments of a range, in order. */
export async function list(
	options: ListOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const { startingToken } = options;
	// A token says the range itself.
	const range =
		startingToken === undefined || options.from !== undefined
			? rangeOf(options, nowMs)
			: { from: new Date(0), to: new Date(0) };
	await using archive = archiveOf(options, { terminal });
	const source = archive.fragments(range, {
		signal,
		startingToken,
		maxItems: integerOption('--max-items', options.maxItems),
		pageSize: integerOption('--page-size', options.pageSize),
	});
	let count = 0;
	for await (const fragment of source as AsyncIterable<Fragment>) {
		count++;
		if (options.json) await terminal.writeJson([toServiceNames(fragment)]);
		else await terminal.write([fragmentLine(fragment)]);
	}
	if (count === 0) terminal.say(`no fragments in the range; ${RANGE_ADVICE}`);
	if (source.nextToken !== null) {
		if (options.json) await terminal.writeJson([{ type: 'next-token', nextToken: source.nextToken }]);
		else terminal.say(`there is more: --starting-token ${source.nextToken}`);
	}
	return EXIT.done;
}

function toServiceNames(fragment: Fragment): object {
	return {
		type: 'fragment',
		FragmentNumber: fragment.fragmentNumber,
		FragmentSizeInBytes: fragment.fragmentSizeInBytes,
		ProducerTimestamp: fragment.producerTimestamp,
		ServerTimestamp: fragment.serverTimestamp,
		FragmentLengthInMilliseconds: fragment.fragmentLengthInMilliseconds,
	};
}

function fragmentLine(fragment: Fragment): string {
	const { producerTimestamp, serverTimestamp } = fragment;
	const length = `${fragment.fragmentLengthInMilliseconds} ms`.padStart(9);
	const size = counted(fragment.fragmentSizeInBytes, 'byte').padStart(16);
	return `${fragment.fragmentNumber}  server ${serverTimestamp.toISOString()}  producer ${producerTimestamp.toISOString()}${length}${size}`;
}
