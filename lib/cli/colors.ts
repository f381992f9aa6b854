import { styleText } from 'node:util';
import { printable } from './printable.js';

/** A part of a line with a style of its own. */
export interface StyledText {
	readonly style: Parameters<typeof styleText>[0];
	readonly text: string;
}

/** A line for a person, in parts where their styles differ. */
export type Line = string | StyledText | readonly (string | StyledText)[];

/** Styles of lines for a person. */
export const colors = {
	bold: (text: string): StyledText => ({ style: 'bold', text }),
	dim: (text: string): StyledText => ({ style: 'dim', text }),
	red: (text: string): StyledText => ({ style: 'red', text }),
	yellow: (text: string): StyledText => ({ style: 'yellow', text }),
	cyan: (text: string): StyledText => ({ style: 'cyan', text }),
};

/** The characters of a line as they go to a terminal: all of them printable, but for the styles, where it `isColored`. */
export function renderLine(line: Line, { isColored }: { readonly isColored: boolean }): string {
	const parts: readonly (string | StyledText)[] = Array.isArray(line) ? line : [line as string | StyledText];
	return parts
		.map((part) => {
			if (typeof part === 'string') return printable(part);
			const text = printable(part.text);
			return isColored ? styleText(part.style, text, { validateStream: false }) : text;
		})
		.join('');
}
