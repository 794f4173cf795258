//! The gateway as an AWS Lambda function.
