import { styleText } from 'node:util';

const { NO_COLOR, FORCE_COLOR } = process.env;

/** Colours for stdout: on a terminal only, not in CI, where output is data for a program. */
const isColored = !NO_COLOR && (Boolean(FORCE_COLOR) || process.stdout.isTTY === true);

function styled(format: Parameters<typeof styleText>[0]): (text: string) => string {
	return (text) => (isColored ? styleText(format, text, { validateStream: false }) : text);
}

/** Styles of lines for a person; each gives the text as it is where output is not a terminal, or NO_COLOR is set. */
export const colors = {
	bold: styled('bold'),
	dim: styled('dim'),
	red: styled('red'),
	yellow: styled('yellow'),
	cyan: styled('cyan'),
};
