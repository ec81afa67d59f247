/** Settings for the eye: as they are spelled in the file, secrets hidden. */

import type { Setting } from './settings.js';
import { tokensIn } from './tokens.js';

/** The value as typed, without remarks and line ends between its parts; a secret only as stars. */
export function printSetting(setting: Setting): string {
  if (setting.option.hidden) return setting.option.print(setting.value);
  return [...tokensIn(setting.node.value)].map((token) => token.raw).join(' ');
}

/** `Message_Expiration`: an option's name as manuals write it. */
export const titleCase = (name: string): string => name.replace(/(^|_)([a-z])/g, (_, gap: string, c: string) => gap + c.toUpperCase());
