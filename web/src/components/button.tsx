import type { ButtonHTMLAttributes } from "react";
import css from "./button.module.css";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "primary" | "danger" | "quiet";
}

export function Button({ look = "plain", type = "button", className, ...rest }: ButtonProps) {
  const classes = [css.button, css[look], className].filter(Boolean).join(" ");
  return <button type={type} className={classes} {...rest} />;
}
