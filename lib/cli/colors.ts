import pc from 'picocolors';

const { NO_COLOR, FORCE_COLOR } = process.env;

/** Colours for stdout: on a terminal only. picocolors would use them in CI too, where output is data for a program. */
export const colors = pc.createColors(!NO_COLOR && (Boolean(FORCE_COLOR) || process.stdout.isTTY === true));
