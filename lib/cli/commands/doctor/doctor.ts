import { type Check, type CheckState, examine } from '../../../doctor/index.js';
import { counted } from '../../../wording/counted.js';
import { type ArchiveCommandOptions, archiveOf } from '../../archive-options.js';
import { colors, type Line } from '../../colors.js';
import type { CommandContext } from '../../command-context.js';
import { EXIT } from '../../exit.js';

/** Options of `doctor`. */
export interface DoctorCommandOptions extends ArchiveCommandOptions {
	readonly ffmpeg?: string;
}

/** Checks all that reading a stream needs, and prints a line for each check. */
export async function doctor(
	options: DoctorCommandOptions,
	{ terminal, signal }: CommandContext,
): Promise<number> {
	const { json, ffmpeg = 'ffmpeg' } = options;
	const counts: Record<CheckState, number> = { ok: 0, warning: 0, failed: 0 };
	await using archive = archiveOf(options, { terminal });
	for await (const check of examine(archive, { signal, ffmpeg, now: Date.now })) {
		counts[check.state]++;
		if (json) await terminal.writeJson([{ type: 'check', ...check }]);
		else await terminal.write(checkLines(check));
	}
	const { ok, warning, failed } = counts;
	if (json) await terminal.writeJson([{ type: 'summary', ok, warnings: warning, failed }]);
	else terminal.say(`${ok} ok, ${counted(warning, 'warning')}, ${failed} failed`);
	return failed === 0 ? EXIT.done : EXIT.failed;
}

const STYLES = { ok: colors.cyan, warning: colors.yellow, failed: colors.red } as const;

function checkLines({ check, state, message, advice }: Check): Line[] {
	const line: Line = [STYLES[state](state.padEnd(7)), `  ${check}: ${message}`];
	return advice === null ? [line] : [line, `         ${advice}`];
}
