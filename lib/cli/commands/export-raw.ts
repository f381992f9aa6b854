import { InvalidOptionError, type RawExportSummary } from '../../index.js';
import { counted } from '../../wording/counted.js';
import { archiveOf, rangeOrAround, whereOf } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { ProgressBar } from '../progress-bar.js';
import type { ExportCommandOptions } from './export-command-options.js';

/** Writes a range as the service sends it. */
export async function exportRaw(options: ExportCommandOptions, context: CommandContext): Promise<number> {
	const { terminal, signal } = context;
	const file = fileOf(options);
	const where = whereOf(options);
	await using archive = archiveOf(options, context);
	const range = await rangeOrAround(archive, options, context);
	const bar = new ProgressBar(process.stderr);
	let summary: RawExportSummary;
	try {
		summary = await archive.exportRaw(range, file, { signal, where, onProgress: bar.update.bind(bar) });
	} finally {
		bar.stop();
	}
	if (options.json) await terminal.writeJson([{ type: 'summary', ...summary }]);
	else {
		terminal.sayFragments(summary.failures);
		terminal.say(summaryLine(summary));
	}
	return summary.isComplete ? EXIT.done : EXIT.incomplete;
}

/** The file that is named. Throws `InvalidOptionError`, also for options that have no meaning for bytes as they are. */
function fileOf(options: ExportCommandOptions): string {
	const { raw, output, tracks, gaps, split = [], channels, faststart, manifest } = options;
	const given: Readonly<Record<string, unknown>> = {
		'--tracks': tracks,
		'--gaps': gaps,
		'--split': split.length === 0 ? undefined : split.join(','),
		'--channels': channels,
		'--faststart': faststart,
		'--no-manifest': manifest === false ? true : undefined,
	};
	for (const [flag, value] of Object.entries(given)) {
		if (value !== undefined) {
			throw new InvalidOptionError(flag, 'left out with --raw, which writes what the service sends', value);
		}
	}
	if (typeof raw !== 'string') {
		if (output === undefined) throw new InvalidOptionError('--raw', 'given with the file to write');
		return output;
	}
	if (output !== undefined) throw new InvalidOptionError('-o', 'left out where --raw names the file', output);
	return raw;
}

function summaryLine(summary: RawExportSummary): string {
	const parts = [
		`${summary.delivered} of ${counted(summary.fragments, 'fragment')}`,
		`${counted(summary.fileBytes, 'byte')} as they were sent`,
		counted(summary.calls, 'call'),
		`${(summary.elapsedMs / 1000).toFixed(1)} s`,
	];
	if (summary.failed > 0) parts.push(`${summary.failed} failed`);
	if (summary.missing > 0) parts.push(`${summary.missing} missing`);
	if (summary.skipped > 0) parts.push(`${summary.skipped} left out by --where`);
	if (summary.throttled > 0) parts.push(`${summary.throttled} throttled`);
	return `wrote ${summary.file}: ${parts.join(', ')}`;
}
